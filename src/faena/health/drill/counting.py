"""Runs one after another on nodes elsewhere, of a script that counts on from its checkpoint; all are counted."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from faena.client.runs.run import Run
from faena.testing.kills import processes
from faena.testing.kills.evidence import PATIENCE, Result
from faena.testing.kills.ground import Case, Site
from faena.testing.kills.joined import check
from faena.testing.kills.table import Row
from faena.testing.waiting import until


@dataclass(slots=True)
class Counted:
    run: Run
    folder: Path
    kills: int = 0

    @property
    def has_ended(self) -> bool:
        return self.run.refresh().ended_at is not None

    @property
    def reached(self) -> int:
        """The last number of its latest attempt; 0: none."""
        found = self.run.get_metrics("n").get("n", 0)
        return int(found[-1] if isinstance(found, list) else found)

    def went_on(self, attempt: int) -> bool:
        """Whether it goes again after that attempt, or has ended."""
        view = self.run.refresh()
        return view.attempt > attempt or view.ended_at is not None or view.status == "Queued"


class Counting:
    """`last`: the number that each run counts to. `patience`: seconds that one may take to its end."""

    def __init__(
        self, site: Site, victim: str, submit: Callable[[Case, int], Run], last: int, patience: float
    ) -> None:
        self._site = site
        self._victim = victim
        self._submit = submit
        self._last = last
        self._patience = patience
        self._runs: list[Counted] = []

    @property
    def latest(self) -> Counted:
        return self._runs[-1]

    def look(self) -> None:
        """Begin the next run where the last has ended."""
        if not self._runs or self.latest.has_ended:
            case = self._site.case()
            self._runs.append(Counted(self._submit(case, self._last), case.folder))

    def finish(self, row: Row) -> int:
        """Have the run under way end, too, and count all; how many runs there were."""
        for counted in self._runs:
            until(lambda: counted.has_ended, f"{counted.run.id} has ended", seconds=self._patience)  # noqa: B023  at once
            row.add(self._judged(counted), hit=False)
        return len(self._runs)

    def _judged(self, counted: Counted) -> Result:
        """A machine that was lost and is back brings the rest of its attempts within a while."""
        result, began = Result(self._victim, None), time.monotonic()

        def is_whole() -> bool:
            check(counted.run, self._last, counted.folder, result)
            return not (result.wrong or result.points.lost) or time.monotonic() - began > PATIENCE

        until(is_whole, "what was left is brought", seconds=PATIENCE + 30)
        result.left += len(processes.of_run(counted.run.id))
        return result
