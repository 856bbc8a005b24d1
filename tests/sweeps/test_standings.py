"""Standings in memory answer as the values themselves do."""

from __future__ import annotations

from hypothesis import given

from faena.sweeps.replaying import Event
from faena.sweeps.schemas import Goal, Policy
from faena.sweeps.standings import StandingsInMemory
from tests.sweeps.histories import events_of_sweeps, events_with_steps, goals, policies, step_policies
from tests.sweeps.standings_contract import check


@given(policies, goals, events_of_sweeps)
def test_standings_in_memory(policy: Policy, goal: Goal, events: list[Event]) -> None:
    check(StandingsInMemory, policy, goal, events)


@given(step_policies, goals, events_with_steps)
def test_standings_in_memory_by_steps(policy: Policy, goal: Goal, events: list[Event]) -> None:
    check(StandingsInMemory, policy, goal, events)
