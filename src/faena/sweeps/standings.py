"""How far the trials of a sweep are, in memory: for replays, and as what the server's tables are compared with."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Iterator
from operator import itemgetter

from faena.sweeps.comparing import is_better
from faena.sweeps.policies import looked_at, row_of
from faena.sweeps.progress import Reached, Row, State
from faena.sweeps.schemas import Goal, Policy

_interval = itemgetter(0)


class StandingsInMemory:
    """Standings under one policy. A row costs a binary search and an insertion into a list."""

    def __init__(self, policy: Policy, goal: Goal) -> None:
        self._policy = policy
        self._goal = goal
        self._states: dict[int, State] = {}
        self._reached: dict[int, Reached] = {}
        self._running: set[int] = set()
        self._values: defaultdict[int, array[float]] = defaultdict(lambda: array("d"))
        self._steps: defaultdict[int, array[int]] = defaultdict(lambda: array("q"))
        self._records: list[tuple[int, float, int]] = []  # interval, best, whose
        self._rows: defaultdict[tuple[int, int], list[tuple[float, int]]] = defaultdict(list)

    def best_until(self, interval: int) -> float | None:
        place = bisect_right(self._records, interval, key=_interval)
        return self._records[place - 1][1] if place else None

    def count(self, interval: int, bracket: int) -> int:
        return len(self._rows[interval, bracket])

    def nth(self, interval: int, bracket: int, place: int) -> tuple[float, int]:
        return self._rows[interval, bracket][place]

    def state(self, number: int) -> State:
        return self._states.get(number, "running")

    def reached(self, number: int) -> Reached:
        return self._reached.get(number, _AT_THE_START)

    def running_from(self, interval: int) -> list[tuple[int, Reached]]:
        running = ((number, self._reached[number]) for number in sorted(self._running))
        return [(number, reached) for number, reached in running if reached.interval >= interval]

    def put(self, number: int, reached: Reached, row: Row | None) -> None:
        before = self.reached(number)
        self._reached[number] = reached
        if reached.value is not None:
            self._values[number].append(reached.value)
            self._steps[number].append(reached.interval)
        if self.state(number) == "running":
            self._running.add(number)
        self._record(number, reached)
        if row is not None and not (self._policy.exclude_finished and self.state(number) != "running"):
            if before.interval == row.interval == reached.interval:
                self._take_out(number, row_of(self._policy, self._goal, number, before))
            insort(self._rows[row.interval, row.bracket], (row.key, number))

    def stop(self, number: int) -> None:
        self._leave(number, "stopped")

    def end(self, number: int) -> None:
        """A trial ended by itself, or because somebody asked."""
        if self.state(number) == "running":
            self._leave(number, "ended")

    def restart(self, number: int, kept: int = 0) -> None:
        """A new attempt, which goes on after the first `kept` intervals of the one before."""
        if self.state(number) == "running" or not self._policy.exclude_finished:
            self._remove_rows(number)
        values = self._values.pop(number, array("d"))[:kept]
        steps = self._steps.pop(number, array("q"))[:kept]
        self._reached.pop(number, None)
        self._states[number] = "running"
        self._running.discard(number)  # until it has reached something
        if any(whose == number for _, _, whose in self._records):
            self._make_records_anew()
        for value, step in zip(values, steps, strict=True):
            before = self.reached(number)
            reached = before.after(value, self._goal, step)
            self.put(number, reached, self._row(number, before, reached))

    def _leave(self, number: int, state: State) -> None:
        self._states[number] = state
        self._running.discard(number)
        if self._policy.exclude_finished:
            self._remove_rows(number)

    def _remove_rows(self, number: int) -> None:
        kept: dict[int, Row] = {}
        before = _AT_THE_START
        for reached in self._history(number):
            if (row := self._row(number, before, reached)) is not None:
                kept[row.interval] = row
            before = reached
        for row in kept.values():
            self._take_out(number, row)

    def _take_out(self, number: int, row: Row | None) -> None:
        rows = [] if row is None else self._rows[row.interval, row.bracket]
        place = len(rows) if row is None else bisect_left(rows, (row.key, number))
        if row is not None and rows[place : place + 1] == [(row.key, number)]:
            del rows[place]

    def _row(self, number: int, before: Reached, reached: Reached) -> Row | None:
        looked = looked_at(self._policy, number, before, reached)
        return row_of(self._policy, self._goal, number, looked)

    def _history(self, number: int) -> Iterator[Reached]:
        reached = _AT_THE_START
        for value, step in zip(self._values.get(number, ()), self._steps.get(number, ()), strict=True):
            reached = reached.after(value, self._goal, step)
            yield reached

    def _record(self, number: int, reached: Reached) -> None:
        """The records after an interval that are no better than its own give way."""
        value, interval = reached.best, reached.interval
        if value is None or not is_better(self._goal, value, self.best_until(interval)):
            return
        first = bisect_left(self._records, interval, key=_interval)
        last = first
        while last < len(self._records) and not is_better(self._goal, self._records[last][1], value):
            last += 1
        self._records[first:last] = [(interval, value, number)]

    def _make_records_anew(self) -> None:
        self._records.clear()
        for number in self._values:
            for reached in self._history(number):
                self._record(number, reached)


_AT_THE_START = Reached()
