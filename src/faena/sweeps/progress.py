"""How far trials are, and what a stopping policy asks about all of them.

The server keeps this in tables, `standings.py` in memory; both are driven by `policies.decide`. What they hold:

- of each trial its latest `Reached` of its latest attempt, and whether it is running, stopped or ended;
- the *records*: for an interval n the best value that any trial logged at ≤ n. As a table (interval, best) with
  an entry only where that improves, it is short, and `best_until` is its last entry at ≤ n. A new best at m
  replaces the entries after m that are no better;
- for policies that rank, one `Row` a trial at each interval where the policy looks, ordered by (key, number) within
  (interval, bracket). `nth` asks for one place of that order, which moves by one at most as the count grows by
  one. Who has an index but no ranks keeps a bookmark for each (interval, bracket): count, and place, key and
  number of the row that was asked for last. A row put before it moves its place by one, and the next `nth` is a
  step or two along the index from there: the same cost at 100 trials and at 10,000.

What an attempt logged is withdrawn when the trial starts anew: its rows after the interval from which it goes on,
and its records, which are then made anew from what is left. With `exclude_finished` the rows of a trial go when it is
stopped or ends, and it gets no more.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, Protocol

from msgspec import Struct

from faena.sweeps.comparing import is_better as is_better
from faena.sweeps.comparing import mean_with
from faena.sweeps.schemas import Goal

State = Literal["running", "stopped", "ended"]
"""Stopped: a policy said so. What it still logs counts for its results only. Ended: by itself, or by somebody."""


MOST_STEP = 2**53
"""Later steps are this one."""


class Reached(Struct, frozen=True):
    """Where a trial is after `interval` values of the primary metric, or at a step, in its latest attempt.

    NaN and infinite values count as intervals and for nothing else.
    """

    interval: int = 0
    finite: int = 0
    """How many of the values are finite numbers."""
    best: float | None = None
    mean: float | None = None
    value: float | None = None
    """The latest one, as it was logged."""

    def after(self, value: float, goal: Goal, step: int | None = None) -> Reached:
        """The trial with one value more, which was logged with a step where those are the intervals.

        A step that is no later than the one before leaves the trial where it is.
        """
        interval = self.interval + 1 if step is None else max(self.interval, min(step, MOST_STEP))
        if not math.isfinite(value):
            return Reached(interval, self.finite, self.best, self.mean, value)
        finite = self.finite + 1
        best = value if is_better(goal, value, self.best) else self.best
        return Reached(interval, finite, best, mean_with(self.mean, value, finite), value)

    def after_all(self, values: Sequence[float], goal: Goal, step: int | None = None) -> Reached:
        """As after each of them, the mean but for what rounding makes of it. `step`: the latest of theirs."""
        interval = self.interval + len(values) if step is None else max(self.interval, min(step, MOST_STEP))
        finite = [value for value in values if math.isfinite(value)]
        best, mean, count = self.best, self.mean, self.finite + len(finite)
        if finite:
            found = max(finite) if goal == "maximize" else min(finite)
            best = found if is_better(goal, found, best) else best
            mean = math.fsum(value / count for value in finite) + (mean or 0.0) * (self.finite / count)
        return Reached(interval, count, best, mean, values[-1] if values else self.value)


class Row(Struct, frozen=True):
    """A trial's place among those that reached an interval. `key`: the lower the better; infinite: nothing finite."""

    interval: int
    bracket: int
    key: float


class Progress(Protocol):
    """What a policy asks about all trials: finished, stopped and failed ones included."""

    def best_until(self, interval: int) -> float | None:
        """The best finite value of any trial at `interval` or before; None: there is none."""

    def count(self, interval: int, bracket: int) -> int:
        """How many rows there are."""

    def nth(self, interval: int, bracket: int, place: int) -> tuple[float, int]:
        """Key and trial number of the row at a place, from 0, in order of (key, number)."""


class Standings(Progress, Protocol):
    """Progress that is kept up to date."""

    def state(self, number: int) -> State:
        """Running for a trial that was never heard of."""

    def reached(self, number: int) -> Reached:
        """`Reached()` before the first value of an attempt."""

    def running_from(self, interval: int) -> Sequence[tuple[int, Reached]]:
        """Running trials whose latest interval is this or a later one, by number."""

    def put(self, number: int, reached: Reached, row: Row | None) -> None:
        """A trial reached its next interval: keep it, its row, and the record if `reached.value` is one."""

    def stop(self, number: int) -> None:
        """A policy stopped a running trial."""
