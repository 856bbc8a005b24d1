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
        self.values: dict[int, list[float]] = {}
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
                found.extend((index, number, len(self.values[number])) for number in stopped)
        return found

    def point(self, number: int, value: float) -> list[int]:
        """Values are turned so that more is better."""
        if number not in self.values:
            self.values[number] = []
            self.running.add(number)
        before = {other: self.best_until(len(self.values[other])) for other in sorted(self.running)}
        self.values[number].append(self.sign * value)
        again = [
            other
            for other, best in before.items()
            if other != number
            and len(self.values[other]) >= len(self.values[number])
            and math.isfinite(value)
            and self.sign * value > best
        ]
        stopped = []
        for trial in [number, *again]:
            if trial in self.running and self.is_stopped(trial):
                self.running.remove(trial)
                self.stopped.add(trial)
                stopped.append(trial)
        return stopped

    def best_of(self, number: int, interval: int) -> float:
        return max(finite(self.values[number][:interval]), default=-math.inf)

    def best_until(self, interval: int) -> float:
        return max((self.best_of(number, interval) for number in self.values), default=-math.inf)

    def is_stopped(self, number: int) -> bool:
        policy, values = self.policy, self.values
        n = len(values[number])
        if policy.stop_on_nan and not math.isfinite(values[number][-1]):
            return True
        own = self.best_of(number, n)
        if policy.kind in ("asha", "hyperband"):
            return self.is_halved(number, n, own)
        if n % policy.evaluation_interval or n < policy.delay_evaluation:
            return False
        if policy.kind == "bandit":
            return own > -math.inf and is_below(own, self.limit(self.best_until(n)))
        there = [other for other in values if len(values[other]) >= n]
        if policy.kind == "median":
            means = {other: fmean(finite(values[other][:n])) for other in there if finite(values[other][:n])}
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

    def is_halved(self, number: int, n: int, own: float) -> bool:
        policy = self.policy
        rungs = [policy.min_interval * policy.reduction_factor**k for k in range(10)]
        mine = bracket(policy, number)
        if n not in rungs[mine:] or n >= (policy.max_interval or math.inf):
            return False
        there = [
            other for other in self.values if len(self.values[other]) >= n and bracket(policy, other) == mine
        ]
        best_first = sorted((self.best_of(other, n) for other in there), reverse=True)
        return is_below(own, best_first[max(1, len(there) // policy.reduction_factor) - 1])


def finite(values: Sequence[float]) -> list[float]:
    return [value for value in values if math.isfinite(value)]


def is_below(value: float, limit: float) -> bool:
    return value < limit and not math.isclose(value, limit, rel_tol=1e-9, abs_tol=2e-15)
