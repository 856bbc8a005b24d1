"""Beside the lanes there is a sweep, and the next one when it has ended, of trials at random or of a population.

The trials of all of them are counted.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from faena.client.compute.cluster import Cluster
from faena.testing.kills import processes
from faena.testing.kills.evidence import PATIENCE, Result
from faena.testing.kills.ground import Site
from faena.testing.kills.sweeps import Swept, check, sampling_of
from faena.testing.kills.table import Row
from faena.testing.waiting import until

TRIAL = "trial"
"""A victim: the script or the runner of a trial."""
_TRIALS = 8
_AT_ONCE = 2
_KINDS = ("random", "pbt")
"""Of the sweeps in turn."""
_CLUSTER = "sweeps"
"""Of its own, so that who is killed with a runner is certain."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """`what`: script or runner."""

    what: str
    pid: int
    run_id: str


class Sweeping:
    def __init__(self, site: Site, chance: random.Random) -> None:
        self._site = site
        self._chance = chance
        self._sweeps: list[Swept] = []
        Cluster.create(
            site.workspace, _CLUSTER, max_nodes=_AT_ONCE, idle_seconds_before_scaledown=300, cores_per_node=1
        )

    def look(self) -> None:
        """Begin the next sweep where the last has ended."""
        if not self._sweeps or self._sweeps[-1].has_ended():
            kind = _KINDS[len(self._sweeps) % len(_KINDS)]
            sampling = sampling_of(kind, seed=self._chance.getrandbits(32))
            begun = Swept.begin(self._site, sampling, trials=_TRIALS, at_once=_AT_ONCE, cluster=_CLUSTER)
            self._sweeps.append(begun)

    def choose(self) -> Chosen | None:
        """Somebody in the middle of the sweep; None while no script of it runs."""
        found = self._sweeps[-1].scripts()
        if not found:
            return None
        run_id = self._chance.choice(sorted(found))
        script = self._chance.choice(found[run_id])
        if self._chance.random() < 0.5:
            return Chosen("script", script, run_id)
        runner = processes.runner_of(script)
        return Chosen("runner", runner, run_id) if runner else None

    def knows(self, chosen: Chosen) -> bool:
        """Whether the API tells that the run has ended."""
        return self._site.workspace.get_run(chosen.run_id).refresh().ended_at is not None

    def finish(self, row: Row) -> tuple[int, int]:
        """Have the sweep under way end, too, and count all; how many sweeps and trials there were."""
        trials = 0
        for swept in self._sweeps:
            until(swept.has_ended, f"sweep {swept.run.id} has ended", seconds=3 * PATIENCE)
            result = Result(TRIAL, None)
            check(swept, result)
            row.add(result, hit=False)
            trials += swept.run.sweep.trials
        return len(self._sweeps), trials
