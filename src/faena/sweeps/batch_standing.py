"""The standing of a sweep while one of its trials brings a batch of values: read once, and written once at its end.

A script may log 100,000 values in a second, which come in one transaction. Rows of ranks are written as they come,
since each is at an interval of its own.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from operator import itemgetter

import sqlalchemy as sa

from faena.db import Write, upsert
from faena.sweeps import trial_store
from faena.sweeps.model import Sweep
from faena.sweeps.progress import Reached, Row, State, is_better
from faena.sweeps.schemas import Goal
from faena.sweeps.standing import Standing, records, rows

_interval = itemgetter(0)
_Record = tuple[int, float, int]
"""Interval, best, whose."""


class BatchStanding(Standing):
    """As `Standing`, of which only trial `number` gets values; `flush` writes them."""

    def __init__(self, write: Write, sweep: Sweep, number: int) -> None:
        super().__init__(write, sweep)
        self._number = number
        self._read()

    def _read(self) -> None:
        self._state = super().state(self._number)
        self._reached = super().reached(self._number)
        self._put = False
        self._others: Sequence[tuple[int, Reached]] | None = None
        self._best_before = super().best_until(self._reached.interval)
        later = (records.c.sweep == self._sweep.run_id) & (records.c.interval > self._reached.interval)
        found = self._write.execute(sa.select(records).where(later).order_by(records.c.interval))
        self._records: list[_Record] = [(row.interval, row.best, row.number) for row in found]
        self._changed: tuple[int, int] | None = None

    @property
    def goal(self) -> Goal:
        return self._goal

    def best_until(self, interval: int) -> float | None:
        place = bisect_right(self._records, interval, key=_interval)
        return self._records[place - 1][1] if place else self._best_before

    def state(self, number: int) -> State:
        return self._state if number == self._number else super().state(number)

    def reached(self, number: int) -> Reached:
        return self._reached if number == self._number else super().reached(number)

    def running_from(self, interval: int) -> Sequence[tuple[int, Reached]]:
        if self._others is None:
            self._others = [each for each in super().running_from(interval) if each[0] != self._number]
        return [(number, reached) for number, reached in self._others if reached.interval >= interval]

    def put(self, number: int, reached: Reached, row: Row | None) -> None:
        self._reached, self._put = reached, True
        if reached.best is not None and is_better(
            self._goal, reached.best, self.best_until(reached.interval)
        ):
            self._replace(reached.interval, reached.best)
        if row is not None and not (self._sweep.spec.policy.exclude_finished and self._state != "running"):
            place = {"interval": row.interval, "bracket": row.bracket, "key": row.key}
            upsert(
                self._write, rows, {"sweep": self._sweep.run_id, "number": number, **place}, update=["key"]
            )

    def _replace(self, interval: int, value: float) -> None:
        first = last = bisect_left(self._records, interval, key=_interval)
        while last < len(self._records) and not is_better(self._goal, self._records[last][1], value):
            last += 1
        until = self._records[last - 1][0] if last > first else interval
        self._records[first:last] = [(interval, value, self._number)]
        start, end = self._changed or (interval, until)
        self._changed = start, max(end, until)

    def flush(self) -> None:
        """Write what was put."""
        if self._put:
            columns = trial_store.reached_columns(self._reached)
            trial_store.update_trial(self._write, self._sweep.run_id, self._number, **columns)
        if self._changed is not None:
            start, end = self._changed
            changed = (records.c.sweep == self._sweep.run_id) & records.c.interval.between(start, end)
            self._write.execute(records.delete().where(changed))
            made = self._records[
                bisect_left(self._records, start, key=_interval) : bisect_right(
                    self._records, end, key=_interval
                )
            ]
            upsert(
                self._write,
                records,
                [
                    {"sweep": self._sweep.run_id, "interval": interval, "best": best, "number": whose}
                    for interval, best, whose in made
                ],
                update=["best", "number"],
            )
        self._put, self._changed = False, None

    def refresh(self) -> None:
        """Read anew, after others have written."""
        self._read()
