"""Runs trials side by side, each site in a thread of its own, until every cell has its kills."""

from __future__ import annotations

import random
import threading
import time
import traceback
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from faena.kernel.errors import FaenaError
from faena.testing.kills.evidence import KNOWN_WITHIN, Result
from faena.testing.kills.phases import Phase, Victim, makes_sense
from faena.testing.kills.table import Row
from tests.faults.ground import Site
from tests.faults.trial import Trial

_TRIES = 4
"""Trials that a cell gets for each kill that is wanted: some fall into the next phase."""
_AT_LEAST = 16
"""Trials that it gets in any case: on a busy machine four may all miss a short phase."""

_MISSES = 2
"""Trials that may fall into the next phase before that is kept from coming."""

Cell = tuple[Victim, Phase]
CELLS: tuple[Cell, ...] = tuple((victim, phase) for victim in Victim for phase in Phase)


@dataclass(frozen=True, slots=True)
class Plan:
    """`kills`: wanted in each cell; `jobs`: sites side by side; `seed`: decides who is killed when."""

    kills: int
    jobs: int
    seed: int
    folder: Path
    links: Path
    known_within: float = KNOWN_WITHIN
    cells: tuple[Cell, ...] = CELLS
    opened: Callable[[Path, Path], Site] = lambda folder, links: Site(folder, links=links)
    """Makes a site of its folder and of that of packages."""


class KillCampaign:
    def __init__(self, plan: Plan, tell: Callable[[str], None]) -> None:
        self._plan = plan
        self._tell = tell
        self._turn = threading.Lock()
        self._tries = dict.fromkeys(plan.cells, 0)
        self._under_way = dict.fromkeys(plan.cells, 0)
        self._rows = {cell: Row(*cell) for cell in CELLS}
        self._chance = random.Random(plan.seed)
        for (victim, phase), row in self._rows.items():
            if not makes_sense(victim, phase):
                row.not_applicable = "there is a script only while it runs"
            elif (victim, phase) not in plan.cells:
                row.not_applicable = "not in this set"

    def run(self) -> list[Row]:
        with ThreadPoolExecutor(self._plan.jobs) as pool:
            list(pool.map(self._work, range(self._plan.jobs)))
        for cell in self._wanted():
            if (row := self._rows[cell]).kills < self._plan.kills:
                row.wrong.append(f"only {row.kills} kills in {self._tries[cell]} tries")
        return list(self._rows.values())

    def _work(self, number: int) -> None:
        site = self._plan.opened(self._plan.folder / f"site{number}", self._plan.links)
        while (drawn := self._draw()) is not None:
            cell, seed, misses = drawn
            started = time.monotonic()
            try:
                trial = Trial(
                    site,
                    *cell,
                    random.Random(seed),
                    known_within=self._plan.known_within,
                    frozen=misses >= _MISSES,
                )
                result = trial.run()
            except (AssertionError, FaenaError, OSError) as error:  # a finding, too: the next trial goes on
                traceback.print_exc()
                result = Result(cell[0], None, wrong=[f"{site.folder.name}: {type(error).__name__}: {error}"])
            self._take(cell, result, time.monotonic() - started)
        site.close()

    def _wanted(self) -> Iterable[Cell]:
        return [cell for cell in self._plan.cells if makes_sense(*cell)]

    def _draw(self) -> tuple[Cell, int, int] | None:
        """The cell that lacks most, a seed for its trial, and how many have missed it; None when all have theirs."""
        with self._turn:
            lacking = [
                (self._rows[cell].kills + self._under_way[cell], self._tries[cell], index, cell)
                for index, cell in enumerate(self._wanted())
                if self._rows[cell].kills + self._under_way[cell] < self._plan.kills
                and self._tries[cell] < max(self._plan.kills * _TRIES, _AT_LEAST)
            ]
            if not lacking:
                return None
            cell = min(lacking)[3]
            self._tries[cell] += 1
            self._under_way[cell] += 1
            misses = self._tries[cell] - self._under_way[cell] - self._rows[cell].kills
            return cell, self._chance.getrandbits(32), misses

    def _take(self, cell: Cell, result: Result, seconds: float) -> None:
        with self._turn:
            self._under_way[cell] -= 1
            landed = (cell[0], result.phase) if result.phase is not None else None
            where = landed if landed in self._rows and landed is not None else cell
            self._rows[where].add(result, hit=landed is not None)
            done = sum(min(self._rows[each].kills, self._plan.kills) for each in self._wanted())
            total = self._plan.kills * len(list(self._wanted()))
            both = result.points + result.lines
            uneven = f"{both.lost} lost, {both.doubled} doubled, {both.invented} invented, {result.left} left"
            clean = not (both.lost or both.doubled or both.invented or result.left)
            said = "; ".join([*result.wrong, *([] if clean else [uneven])]) or "fine"
            known = "" if result.known is None else f", known after {result.known:.2f} s"
            self._tell(
                f"[{done}/{total}] {cell[0]} aimed {cell[1]}, hit {result.phase or 'nothing'}{known}: "
                f"{said} ({seconds:.1f} s)"
            )
