"""Beside the lanes there is a Ray cluster, somebody's own, and on it one run after another."""

from __future__ import annotations

import random
import time
from typing import Self

from msgspec import Struct

from faena.compute.backends.ray.settings import address_of
from faena.health.drill.counting import Counting
from faena.testing.kills.ground import Site
from faena.testing.kills.on_ray import BRIDGE, PATIENCE, VICTIMS, RaySide, check, own_address
from faena.testing.kills.table import Row
from faena.testing.waiting import until

RAY = "ray"
"""A victim: what there is ours in the Ray cluster."""
KINDS = len(VICTIMS)
_COUNT = 200
_MOST_KILLS = 4
_SOON_OVER = 150
"""The number from which on a run has too little before it to be killed in its middle."""


class RayCluster(Struct, frozen=True):
    """`address`: of its dashboard. `token`: where it asks for one. `listen`: where its nodes reach this machine."""

    address: str
    token: str | None
    listen: str

    @classmethod
    def reached(cls, given: str, token: str | None, listen: str) -> Self:
        """Raises ComputeTargetException where no Ray cluster answers."""
        address = address_of(given)
        check(address, token)
        return cls(address, token, listen or own_address(address))


class Raying:
    def __init__(self, site: Site, chance: random.Random, ray: RayCluster) -> None:
        self._chance = chance
        self._side = RaySide(site, ray.address, ray.token)
        self._runs = Counting(site, RAY, self._side.submit, _COUNT, PATIENCE)
        self._next: list[str] = []

    @property
    def is_under_way(self) -> bool:
        return self._runs.latest.reached > 0

    def look(self) -> None:
        """Begin the next run where the last has ended."""
        self._runs.look()

    def kill(self) -> tuple[str, float] | None:
        """Kill the bridge, or runner, guard or script of the run: who, and seconds until it was known; None where there
        is nobody just now."""
        latest, victim = self._runs.latest, self._victim()
        if latest.kills >= _MOST_KILLS or not 0 < latest.reached < _SOON_OVER:
            return None
        began, run = time.monotonic(), latest.run
        if victim == BRIDGE:
            if (pid := self._side.kill_bridge()) is None:
                return None
            said = f"bridge {pid} killed, another one is there"
        else:
            attempt = run.refresh().attempt
            self._side.have_killed(run, attempt, victim)
            until(lambda: latest.went_on(attempt), f"{run.id} goes again", seconds=PATIENCE)
            if latest.has_ended:  # it was over before it was told
                return None
            said = f"{victim} of {run.id} killed, which goes again"
        latest.kills += 1
        self._next.pop()
        return said, time.monotonic() - began

    def finish(self, row: Row) -> int:
        """Have the run under way end, too, and count all; how many runs there were."""
        return self._runs.finish(row)

    def close(self) -> None:
        """Have nothing of ours left there."""
        self._side.close()

    def _victim(self) -> str:
        """Each kind as often."""
        if not self._next:
            self._next = self._chance.sample(VICTIMS, KINDS)
        return self._next[-1]
