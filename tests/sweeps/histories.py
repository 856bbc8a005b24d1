"""What arrives of a sweep, and policies to follow through it: made up by hypothesis."""

from __future__ import annotations

import math

import msgspec
from hypothesis import strategies as st

from faena.sweeps.replaying import Ended, Event, Restarted
from faena.sweeps.schemas import Goal, Policy

values = st.one_of(
    st.integers(-4, 4).map(lambda n: n / 4),
    st.sampled_from([math.nan, math.inf, -math.inf]),
    st.floats(-1, 1).map(lambda value: round(value, 3)),
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
policies = st.one_of(amounts, factors, by_rank)


def by_step(policy: Policy) -> Policy:
    return msgspec.structs.replace(policy, interval="step")


steps = st.one_of(st.none(), st.integers(-1, 9), st.integers(0, 30))
step_policies = policies.map(by_step)
events_with_steps: st.SearchStrategy[list[Event]] = st.lists(
    st.one_of(
        st.tuples(numbers, values, steps),
        st.tuples(numbers, values, steps),
        st.tuples(numbers, values, st.integers(1, 9)),
        st.builds(Restarted, numbers, st.integers(0, 3)),
        st.builds(Ended, numbers),
    ),
    max_size=40,
)
