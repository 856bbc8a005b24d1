"""Beside the lanes there are two joined nodes, of folders of their own, and on them one run after another."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field
from pathlib import Path

from faena.client.runs.run import Run
from faena.testing.kills import processes
from faena.testing.kills.evidence import PATIENCE, Result
from faena.testing.kills.ground import Site
from faena.testing.kills.joined import FarSide, Machine, check
from faena.testing.kills.table import Row
from faena.testing.waiting import until

NODE = "node"
"""A victim: the runner of a joined node."""
LEASE = "1,2,5,8"
"""Of the drill's server: a node that is silent for 8 s is lost, which takes a minute else."""
_MACHINES = 2
_COUNT = 60
_MOST_LOSSES = 2
"""Of one run, which goes again three times at most."""


@dataclass(slots=True)
class Far:
    run: Run
    folder: Path
    kills: int = 0
    dead: list[Machine] = field(default_factory=list)


class Joining:
    def __init__(self, site: Site, chance: random.Random, runtime: Path) -> None:
        self._site = site
        self._chance = chance
        self._runtime = runtime
        self._far = FarSide(site, _MACHINES)
        self._runs: list[Far] = []

    def look(self) -> None:
        """Begin the next run where the last has ended."""
        if not self._runs or self._has_ended(self._runs[-1]):
            self._begin()

    def kill(self) -> tuple[int, str, str] | None:
        """Kill the runner of whoever has the run: its process, its name and the run; None where there is none.

        It comes back at once, and brings its attempt to its end; or not before it was lost, and the run is another's.
        """
        far = self._runs[-1]
        machine = self._far.of_run(far.run.id)
        if machine is None or machine.process is None or far.kills >= _MOST_LOSSES or far.dead:
            return None
        if not far.run.get_metrics():
            return None
        pid = machine.process.pid
        if not processes.kill_of_runtime(pid, self._runtime):
            return None
        machine.process.wait()
        far.kills += 1
        if self._chance.random() < 0.5:
            self._far.start(machine)
        else:
            far.dead.append(machine)
        attempt = far.run.refresh().attempt
        until(lambda: self._went_on(far.run, attempt), f"{far.run.id} goes again", seconds=PATIENCE)
        for dead in far.dead:
            self._far.start(dead)
        far.dead.clear()
        return pid, machine.name, far.run.id

    def finish(self, row: Row) -> int:
        """Have the run under way end, too, and count all; how many runs there were."""
        for far in self._runs:
            until(lambda: self._has_ended(far), f"{far.run.id} has ended", seconds=3 * PATIENCE)  # noqa: B023  at once
            row.add(self._judged(far), hit=False)
        self._far.close()
        return len(self._runs)

    def _begin(self) -> None:
        case = self._site.case()
        self._runs.append(Far(self._far.submit(case, _COUNT), case.folder))

    def _judged(self, far: Far) -> Result:
        """A machine that was lost and is back brings the rest of its attempts within a while."""
        result, began = Result(NODE, None), time.monotonic()

        def is_whole() -> bool:
            check(far.run, _COUNT, far.folder, result)
            counted = result.points
            return not (result.wrong or counted.lost) or time.monotonic() - began > PATIENCE

        until(is_whole, "what was left is brought", seconds=PATIENCE + 30)
        result.left += len(processes.of_run(far.run.id))
        return result

    @staticmethod
    def _has_ended(far: Far) -> bool:
        return far.run.refresh().ended_at is not None

    @staticmethod
    def _went_on(run: Run, attempt: int) -> bool:
        view = run.refresh()
        return view.attempt > attempt or view.ended_at is not None or view.status == "Queued"
