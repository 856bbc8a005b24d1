"""What any standings must answer, beside a reading of the values themselves that keeps nothing but them.

`check(make, ...)` drives both through a history and asks both everything after each step, decisions included.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Protocol

from faena.sweeps.policies import decide, looked_at, row_of
from faena.sweeps.progress import Reached, Row, Standings, State
from faena.sweeps.replaying import Ended, Event, Restarted
from faena.sweeps.schemas import Goal, Policy


class Restartable(Standings, Protocol):
    """Standings that hear of attempts, too."""

    def end(self, number: int) -> None: ...
    def restart(self, number: int, kept: int = 0) -> None: ...


class PlainStandings:
    """Everything is found anew in the values of the trials."""

    def __init__(self, policy: Policy, goal: Goal) -> None:
        self.policy, self.goal = policy, goal
        self.values: dict[int, list[tuple[float, int]]] = {}
        """Each with the interval at which the trial was then."""
        self.states: dict[int, State] = {}

    def history(self, number: int) -> list[Reached]:
        found = [Reached()]
        for value, interval in self.values.get(number, []):
            found.append(found[-1].after(value, self.goal, interval))
        return found

    def rows(self, interval: int, bracket: int) -> list[tuple[float, int]]:
        counted = [
            number
            for number in self.values
            if not self.policy.exclude_finished or self.state(number) == "running"
        ]
        latest = {(row.interval, row.bracket, n): row.key for n in counted for row in self.rows_of(n)}
        return sorted(
            (key, n) for (at, within, n), key in latest.items() if (at, within) == (interval, bracket)
        )

    def rows_of(self, number: int) -> Iterator[Row]:
        for before, reached in pairwise(self.history(number)):
            looked = looked_at(self.policy, number, before, reached)
            if row := row_of(self.policy, self.goal, number, looked):
                yield row

    def best_until(self, interval: int) -> float | None:
        values = [value for number in self.values for value, at in self.values[number] if at <= interval]
        best = max if self.goal == "maximize" else min
        return best(filter(math.isfinite, values), default=None)

    def count(self, interval: int, bracket: int) -> int:
        return len(self.rows(interval, bracket))

    def nth(self, interval: int, bracket: int, place: int) -> tuple[float, int]:
        return self.rows(interval, bracket)[place]

    def state(self, number: int) -> State:
        return self.states.get(number, "running")

    def reached(self, number: int) -> Reached:
        return self.history(number)[-1]

    def running_from(self, interval: int) -> Sequence[tuple[int, Reached]]:
        running = [number for number in sorted(self.values) if self.state(number) == "running"]
        return [
            (number, at) for number in running if (at := self.reached(number)).interval >= max(1, interval)
        ]

    def put(self, number: int, reached: Reached, row: Row | None) -> None:
        assert reached.value is not None
        self.values.setdefault(number, []).append((reached.value, reached.interval))

    def stop(self, number: int) -> None:
        self.states[number] = "stopped"

    def end(self, number: int) -> None:
        if self.state(number) == "running":
            self.states[number] = "ended"

    def restart(self, number: int, kept: int = 0) -> None:
        self.states[number] = "running"
        self.values[number] = self.values.get(number, [])[:kept]


def check(
    make: Callable[[Policy, Goal], Restartable], policy: Policy, goal: Goal, events: Iterable[Event]
) -> None:
    """Both decide alike, and answer alike after each step."""
    plain, kept = PlainStandings(policy, goal), make(policy, goal)
    for event in events:
        assert _step(kept, policy, goal, event) == _step(plain, policy, goal, event)
        _compare(plain, kept)


def _step(standings: Restartable, policy: Policy, goal: Goal, event: Event) -> list[tuple[int, str]]:
    if isinstance(event, Ended):
        standings.end(event.number)
        return []
    if isinstance(event, Restarted):
        standings.restart(event.number, event.kept)
        return []
    return [(trial, decision.text) for trial, decision in decide(policy, goal, standings, *event)]


def _compare(plain: PlainStandings, kept: Restartable) -> None:
    longest = max((at for values in plain.values.values() for _, at in values), default=0)
    for number in plain.values:
        assert kept.state(number) == plain.state(number)
        assert repr(kept.reached(number)) == repr(plain.reached(number))  # NaN is not equal to itself
    for interval in range(1, longest + 2):
        assert kept.best_until(interval) == plain.best_until(interval)
        assert repr(list(kept.running_from(interval))) == repr(list(plain.running_from(interval)))
        for bracket in range(3):
            places = range(plain.count(interval, bracket))
            assert kept.count(interval, bracket) == len(places)
            assert [kept.nth(interval, bracket, place) for place in places] == plain.rows(interval, bracket)
