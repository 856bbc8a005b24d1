"""What any standings must answer, beside a reading of the values themselves that keeps nothing but them.

`check(make, ...)` drives both through a history and asks both everything after each step, decisions included.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from faena.sweeps.policies import decide, row_of
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
        self.values: dict[int, list[float]] = {}
        self.states: dict[int, State] = {}

    def history(self, number: int) -> list[Reached]:
        found = [Reached()]
        for value in self.values.get(number, []):
            found.append(found[-1].after(value, self.goal))
        return found[1:]

    def rows(self, interval: int, bracket: int) -> list[tuple[float, int]]:
        counted = [
            number
            for number in self.values
            if not self.policy.exclude_finished or self.state(number) == "running"
        ]
        of_all = [(row_of(self.policy, self.goal, n, at), n) for n in counted for at in self.history(n)]
        return sorted(
            (row.key, n) for row, n in of_all if row and (row.interval, row.bracket) == (interval, bracket)
        )

    def best_until(self, interval: int) -> float | None:
        values = [value for number in self.values for value in self.values[number][:interval]]
        best = max if self.goal == "maximize" else min
        return best(filter(math.isfinite, values), default=None)

    def count(self, interval: int, bracket: int) -> int:
        return len(self.rows(interval, bracket))

    def nth(self, interval: int, bracket: int, place: int) -> tuple[float, int]:
        return self.rows(interval, bracket)[place]

    def state(self, number: int) -> State:
        return self.states.get(number, "running")

    def reached(self, number: int) -> Reached:
        return next(reversed(self.history(number)), Reached())

    def running_from(self, interval: int) -> Sequence[tuple[int, Reached]]:
        running = [number for number in sorted(self.values) if self.state(number) == "running"]
        return [
            (number, at) for number in running if (at := self.reached(number)).interval >= max(1, interval)
        ]

    def put(self, number: int, reached: Reached, row: Row | None) -> None:
        assert reached.value is not None
        self.values.setdefault(number, []).append(reached.value)

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
    longest = max(map(len, plain.values.values()), default=0)
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
