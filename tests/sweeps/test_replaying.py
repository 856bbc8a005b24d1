"""A sweep replayed under a policy: by hand, and beside a slow reading of the same rules."""

from __future__ import annotations

import math
from collections import Counter
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from faena.sweeps.policies import decide
from faena.sweeps.replaying import Ended, Event, Replay, Restarted, replay
from faena.sweeps.schemas import Goal, Policy
from faena.sweeps.standings import StandingsInMemory
from tests.sweeps.histories import (
    amounts,
    by_rank,
    by_step,
    events_of_sweeps,
    events_with_steps,
    factors,
    goals,
    numbers,
    policies,
    step_policies,
)
from tests.sweeps.slow_reading import SlowReading

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


@given(policies, goals, events_of_sweeps)
def test_a_replay_decides_as_a_slow_reading_of_the_rules(
    policy: Policy, goal: Goal, events: list[Event]
) -> None:
    assert stops(replay(policy, goal, events)) == SlowReading(policy, goal).replayed(events)


@given(policies, goals, events_of_sweeps)
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


@given(step_policies, goals, events_with_steps)
def test_a_replay_by_steps_decides_as_a_slow_reading_of_the_rules(
    policy: Policy, goal: Goal, events: list[Event]
) -> None:
    assert stops(replay(policy, goal, events)) == SlowReading(policy, goal).replayed(events)


@given(policies, goals, events_of_sweeps)
def test_steps_that_count_values_are_the_same_intervals(
    policy: Policy, goal: Goal, events: list[Event]
) -> None:
    logged: Counter[int] = Counter()
    with_steps: list[Event] = []
    for event in events:
        if isinstance(event, Restarted):
            logged[event.number] = min(logged[event.number], event.kept)
        if isinstance(event, tuple):
            logged[event[0]] += 1
            event = (event[0], event[1], logged[event[0]])
        with_steps.append(event)
    assert stops(replay(by_step(policy), goal, with_steps)) == stops(replay(policy, goal, events))
