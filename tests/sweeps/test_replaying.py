"""A sweep replayed under a policy: by hand, and beside a slow reading of the same rules."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise
from statistics import fmean, median

from hypothesis import given
from hypothesis import strategies as st

from faena.sweeps.policies import decide
from faena.sweeps.replaying import Ended, Event, Replay, Restarted, replay
from faena.sweeps.rungs import bracket
from faena.sweeps.schemas import Goal, Policy
from faena.sweeps.standings import StandingsInMemory

BANDIT = Policy("bandit", slack_amount=0.2)


def stops(result: Replay) -> list[tuple[int, int, int]]:
    """(which event, trial, interval) of each."""
    return [(stop.event, stop.number, stop.decision.interval) for stop in result.stops]


def test_what_a_policy_would_have_saved() -> None:
    # Trial 0 is behind at its interval 2 when trial 1 brings 0.9 (0.5 < 0.7), trial 2 at its first one (0.1 < 0.3).
    events: list[Event] = [(0, 0.5), (1, 0.4), (0, 0.5), (1, 0.9), (0, 0.6), (0, 0.6), (2, 0.1), (2, 0.95)]
    result = replay(BANDIT, "maximize", events)
    assert stops(result) == [(3, 0, 2), (6, 2, 1)]
    assert [stop.saved for stop in result.stops] == [2, 1]
    assert (result.intervals, result.saved) == (8, 3)
    assert (result.best, result.best_kept) == (0.95, 0.9)


def test_a_new_attempt_starts_at_the_first_interval_and_only_it_counts() -> None:
    # Trial 0 had 0.9 at 1. With its new attempt the best at 1 is 0.3, which 0.2 is not far from.
    events: list[Event] = [(0, 0.9), Restarted(0), (0, 0.3), (1, 0.2), (0, 0.8), (1, 0.5)]
    assert stops(replay(BANDIT, "maximize", events)) == [(5, 1, 2)]
    assert stops(replay(BANDIT, "maximize", [(0, 0.9), (1, 0.2)])) == [(1, 1, 1)]


def test_an_attempt_that_goes_on_keeps_what_is_before() -> None:
    # Trial 0 goes on after 0.9 at 1: 0.2 at 2 is no worse than that.
    events: list[Event] = [(0, 0.9), (0, 1.5), Restarted(0, kept=1), (0, 0.2), (1, 0.75), (1, 0.6), (2, 0.65)]
    assert stops(replay(BANDIT, "maximize", events)) == [(6, 2, 1)]


def test_an_attempt_after_the_stop_is_not_run_either() -> None:
    events: list[Event] = [(0, 0.9), (1, 0.1), Restarted(1), (1, 0.9), (1, 0.9), Ended(1)]
    result = replay(BANDIT, "maximize", events)
    assert stops(result) == [(1, 1, 1)]
    assert result.saved == 2


def test_who_ended_is_not_stopped_and_counts() -> None:
    events: list[Event] = [(0, 0.5), Ended(0), (1, 0.9), Ended(1), (2, 0.6)]
    assert stops(replay(BANDIT, "maximize", events)) == [(4, 2, 1)]


def test_nothing_is_saved_by_no_policy() -> None:
    result = replay(Policy(), "minimize", [(0, 0.5), (1, 0.9), (0, math.nan)])
    assert result == Replay((), 3, 0.5, 0.5)
    assert replay(BANDIT, "minimize", []) == Replay((), 0, None, None)


values = st.one_of(
    st.integers(-4, 4).map(lambda n: n / 4),
    st.sampled_from([math.nan, math.inf, -math.inf]),
    st.floats(-1, 1),
)
numbers = st.integers(0, 6)
events_of_sweeps: st.SearchStrategy[list[Event]] = st.lists(
    st.one_of(
        st.tuples(numbers, values),
        st.tuples(numbers, values),
        st.tuples(numbers, values),
        st.builds(Restarted, numbers, st.integers(0, 3)),
        st.builds(Ended, numbers),
    ),
    max_size=40,
)
goals: st.SearchStrategy[Goal] = st.sampled_from(("maximize", "minimize"))
looks = {
    "evaluation_interval": st.integers(1, 3),
    "delay_evaluation": st.integers(0, 3),
    "stop_on_nan": st.booleans(),
}
amounts = st.builds(Policy, st.just("bandit"), slack_amount=st.sampled_from((0.0, 0.25, 0.5)), **looks)
factors = st.builds(Policy, st.just("bandit"), slack_factor=st.sampled_from((0.0, 0.25, 1.0)), **looks)
by_rank = st.one_of(
    st.builds(Policy, st.just("median"), **looks),
    st.builds(
        Policy,
        st.just("truncation"),
        truncation_percentage=st.sampled_from((1, 20, 34, 50, 99)),
        exclude_finished=st.booleans(),
        **looks,
    ),
    st.builds(Policy, st.just("asha"), reduction_factor=st.integers(2, 3), min_interval=st.integers(1, 2)),
    st.builds(Policy, st.just("hyperband"), reduction_factor=st.just(2), max_interval=st.integers(2, 5)),
)


class Slow:
    """The same decisions, read from the values themselves: every list is made anew for every question."""

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


@given(st.one_of(amounts, factors, by_rank), goals, events_of_sweeps)
def test_a_replay_decides_as_a_slow_reading_of_the_rules(
    policy: Policy, goal: Goal, events: list[Event]
) -> None:
    assert stops(replay(policy, goal, events)) == Slow(policy, goal).replayed(events)


@given(st.one_of(amounts, factors, by_rank), goals, events_of_sweeps)
def test_step_by_step_the_same_is_decided(policy: Policy, goal: Goal, events: list[Event]) -> None:
    result = replay(policy, goal, events)
    for first, second in pairwise(range(len(events) + 1)):
        one_more = [stop for stop in stops(result) if stop[0] < second]
        assert stops(replay(policy, goal, events[:second])) == one_more
        assert [stop for stop in one_more if stop[0] < first] == stops(replay(policy, goal, events[:first]))


@given(st.one_of(amounts, factors), goals, st.lists(st.tuples(numbers, st.floats()), max_size=40))
def test_bandit_never_stops_the_best(policy: Policy, goal: Goal, points: list[tuple[int, float]]) -> None:
    policy = Policy("bandit", slack_amount=policy.slack_amount, slack_factor=policy.slack_factor)
    standings = StandingsInMemory(policy, goal)
    for number, value in points:
        for trial, decision in decide(policy, goal, standings, number, value):
            best = standings.best_until(decision.interval)
            assert best == decision.reference
            assert standings.reached(trial).best not in (None, best)


@given(st.one_of(amounts, by_rank), events_of_sweeps)
def test_less_of_a_loss_is_more_of_its_negative(policy: Policy, events: list[Event]) -> None:
    turned = [(event[0], -event[1]) if isinstance(event, tuple) else event for event in events]
    assert stops(replay(policy, "minimize", events)) == stops(replay(policy, "maximize", turned))
