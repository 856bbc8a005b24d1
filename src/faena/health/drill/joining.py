"""Beside the lanes there are two joined nodes, of folders of their own, and on them one run after another."""

from __future__ import annotations

import random
from pathlib import Path

from faena.health.drill.counting import Counting
from faena.testing.kills import processes
from faena.testing.kills.evidence import PATIENCE
from faena.testing.kills.ground import Site
from faena.testing.kills.joined import FarSide, Machine
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


class Joining:
    """`address`: of this machine, where the server listens for nodes."""

    def __init__(self, site: Site, chance: random.Random, runtime: Path, address: str) -> None:
        self._chance = chance
        self._runtime = runtime
        self._far = FarSide(site, _MACHINES, address)
        self._runs = Counting(site, NODE, self._far.submit, _COUNT, 3 * PATIENCE)
        self._dead: list[Machine] = []

    def look(self) -> None:
        """Begin the next run where the last has ended."""
        self._runs.look()

    def kill(self) -> tuple[int, str, str] | None:
        """Kill the runner of whoever has the run: its process, its name and the run; None where there is none.

        It comes back at once, and brings its attempt to its end; or not before it was lost, and the run is another's.
        """
        latest = self._runs.latest
        machine = self._far.of_run(latest.run.id)
        if machine is None or machine.process is None or latest.kills >= _MOST_LOSSES or self._dead:
            return None
        if not latest.reached:
            return None
        pid = machine.process.pid
        if not processes.kill_of_runtime(pid, self._runtime):
            return None
        machine.process.wait()
        latest.kills += 1
        if self._chance.random() < 0.5:
            self._far.start(machine)
        else:
            self._dead.append(machine)
        attempt = latest.run.refresh().attempt
        until(lambda: latest.went_on(attempt), f"{latest.run.id} goes again", seconds=PATIENCE)
        for dead in self._dead:
            self._far.start(dead)
        self._dead.clear()
        return pid, machine.name, latest.run.id

    def finish(self, row: Row) -> int:
        """Have the run under way end, too, and count all; how many runs there were."""
        return self._runs.finish(row)

    def close(self) -> None:
        """The machines leave, and nobody is listened for."""
        self._far.close()
