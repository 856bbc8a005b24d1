"""The decisions of stopping policies, read from the values themselves: what the fast way is compared with."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from statistics import fmean, median

from faena.sweeps.replaying import Ended, Event, Restarted
from faena.sweeps.rungs import bracket
from faena.sweeps.schemas import Goal, Policy


class SlowReading:
    """Every list is made anew for every question."""

    def __init__(self, policy: Policy, goal: Goal) -> None:
        self.policy, self.sign = policy, 1 if goal == "maximize" else -1
        self.values: dict[int, list[tuple[int, float]]] = {}
        """Each with the interval at which its trial was then."""
        self.running: set[int] = set()
        self.stopped: set[int] = set()

    def replayed(self, events: Iterable[Event]) -> list[tuple[int, int, int]]:
        found: list[tuple[int, int, int]] = []
        for index, event in enumerate(events):
            if isinstance(event, Ended):
                self.values.setdefault(event.number, [])
                self.running.discard(event.number)
            elif isinstance(event, Restarted):
                if event.number not in self.stopped:
                    self.values[event.number] = self.values.get(event.number, [])[: event.kept]
                    self.running.add(event.number)
            elif event[0] not in self.stopped:
                stopped = self.point(*event)
                found.extend((index, number, at) for number, at in stopped)
        return found

    def point(self, number: int, value: float, step: int | None = None) -> list[tuple[int, int]]:
        """(trial, interval) of each that is stopped. Values are turned so that more is better."""
        if number not in self.values:
            self.values[number] = []
            self.running.add(number)
        before = {other: self.best_until(self.at(other)) for other in sorted(self.running)}
        at = self.at(number) + 1 if self.policy.interval == "value" else max(self.at(number), step or 0)
        self.values[number].append((at, self.sign * value))
        again = [
            other
            for other, best in before.items()
            if other != number
            and self.values[other]
            and self.at(other) >= at
            and math.isfinite(value)
            and self.sign * value > best
        ]
        looks = [(number, self.looked_at(number)[-1]), *((other, self.at(other)) for other in again)]
        stopped = []
        if number in self.running and self.policy.stop_on_nan and not math.isfinite(value):
            stopped.append((number, at))
        for trial, interval in looks:
            if (
                trial in self.running
                and (trial, at) not in stopped
                and interval
                and self.is_stopped(trial, interval)
            ):
                stopped.append((trial, interval))
            self.running -= {who for who, _ in stopped}
            self.stopped |= {who for who, _ in stopped}
        return stopped

    def at(self, number: int) -> int:
        return self.values[number][-1][0] if self.values[number] else 0

    def looked_at(self, number: int) -> list[int]:
        """For each of its values the interval at which the policy looks at it then, 0 for none."""
        found, last = [], 0
        for place, (at, _) in enumerate(self.values[number]):
            passed = [n for n in range(last + 1, at) if self.looks(number, n)] if place else []
            found.append(at if self.looks(number, at) else max(passed, default=0))
            last = at
        return found

    def looks(self, number: int, n: int) -> bool:
        policy = self.policy
        if policy.kind in ("asha", "hyperband"):
            rungs = [policy.min_interval * policy.reduction_factor**k for k in range(10)]
            return n in rungs[bracket(policy, number) :] and n < (policy.max_interval or math.inf)
        return n >= 1 and n % policy.evaluation_interval == 0 and n >= policy.delay_evaluation

    def until(self, number: int, interval: int) -> list[float]:
        return [value for at, value in self.values[number] if at <= interval]

    def best_of(self, number: int, interval: int) -> float:
        return max(finite(self.until(number, interval)), default=-math.inf)

    def best_until(self, interval: int) -> float:
        return max((self.best_of(number, interval) for number in self.values), default=-math.inf)

    def is_stopped(self, number: int, n: int) -> bool:
        policy = self.policy
        if not self.looks(number, n):
            return False
        own = self.best_of(number, n)
        if policy.kind == "bandit":
            return own > -math.inf and is_below(own, self.limit(self.best_until(n)))
        there = [other for other in self.values if n in self.looked_at(other)]
        if policy.kind in ("asha", "hyperband"):
            return self.is_halved(number, n, own, there)
        if policy.kind == "median":
            of = {other: finite(self.until(other, n)) for other in there}
            means = {other: fmean(values) for other, values in of.items() if values}
            return len(means.keys() - {number}) >= 2 and is_below(own, median(means.values()))
        if policy.exclude_finished:
            there = [other for other in there if other in self.running]
        worst_first = sorted(there, key=lambda other: (self.best_of(other, n), -other))
        share = (policy.truncation_percentage or 0) / 100
        return number in worst_first[: math.floor(len(there) * share + 1e-6)]

    def limit(self, best: float) -> float:
        policy = self.policy
        if policy.slack_amount is not None:
            return best - policy.slack_amount
        assert policy.slack_factor is not None
        smaller, larger = best / (1 + policy.slack_factor), best * (1 + policy.slack_factor)
        if self.sign > 0:
            return smaller if best > 0 else larger
        return larger if best < 0 else best - policy.slack_factor * best

    def is_halved(self, number: int, n: int, own: float, there: Sequence[int]) -> bool:
        mine = bracket(self.policy, number)
        among = [other for other in there if bracket(self.policy, other) == mine]
        best_first = sorted((self.best_of(other, n) for other in among), reverse=True)
        return is_below(own, best_first[max(1, len(among) // self.policy.reduction_factor) - 1])


def finite(values: Sequence[float]) -> list[float]:
    return [value for value in values if math.isfinite(value)]


def is_below(value: float, limit: float) -> bool:
    return value < limit and not math.isclose(value, limit, rel_tol=1e-9, abs_tol=2e-15)
