"""A policy that could not be followed is refused with the name of what is wrong."""

from __future__ import annotations

import math
from typing import Any

import pytest

from faena.kernel.errors import UserErrorException
from faena.sweeps.policies import check
from faena.sweeps.schemas import Policy


@pytest.mark.parametrize(
    "policy",
    [
        Policy(),
        Policy(stop_on_nan=True),
        Policy("bandit", 1, 3, slack_factor=0.1),
        Policy("bandit", slack_amount=0),
        Policy("median", delay_evaluation=5),
        Policy("truncation", truncation_percentage=99, exclude_finished=True),
        Policy("asha", reduction_factor=4, min_interval=2),
        Policy("hyperband", max_interval=27),
    ],
)
def test_what_can_be_followed(policy: Policy) -> None:
    check(policy)


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"kind": "bandits"}, "bandits"),
        ({"kind": "bandit"}, "slack_factor or slack_amount"),
        ({"kind": "bandit", "slack_factor": 0.1, "slack_amount": 0.1}, "both were given"),
        ({"kind": "bandit", "slack_factor": -0.1}, "slack_factor"),
        ({"kind": "bandit", "slack_amount": -1}, "slack_amount"),
        ({"kind": "bandit", "slack_amount": math.nan}, "slack_amount"),
        ({"kind": "bandit", "slack_factor": math.inf}, "slack_factor"),
        ({"kind": "bandit", "slack_factor": "0.1"}, "slack_factor"),
        ({"kind": "bandit", "slack_factor": True}, "slack_factor"),
        ({"kind": "median", "evaluation_interval": 0}, "evaluation_interval"),
        ({"kind": "median", "evaluation_interval": 1.0}, "evaluation_interval"),
        ({"kind": "median", "delay_evaluation": -1}, "delay_evaluation"),
        ({"kind": "median", "delay_evaluation": True}, "delay_evaluation"),
        ({"kind": "median", "slack_factor": 0.1}, "slack_factor is of bandit"),
        ({"kind": "truncation"}, "truncation_percentage"),
        ({"kind": "truncation", "truncation_percentage": 0}, "truncation_percentage"),
        ({"kind": "truncation", "truncation_percentage": 100}, "truncation_percentage"),
        ({"kind": "truncation", "truncation_percentage": 20.0}, "truncation_percentage"),
        ({"kind": "asha", "reduction_factor": 1}, "reduction_factor"),
        ({"kind": "asha", "min_interval": 0}, "min_interval"),
        ({"kind": "asha", "evaluation_interval": 2}, "min_interval"),
        ({"kind": "asha", "max_interval": 1}, "max_interval"),
        ({"kind": "hyperband"}, "max_interval"),
        ({"kind": "hyperband", "max_interval": 0}, "max_interval"),
        ({"kind": "hyperband", "max_interval": 4, "min_interval": 4}, "max_interval"),
        ({"kind": "none", "max_interval": 4}, "asha and hyperband"),
        ({"stop_on_nan": "yes"}, "stop_on_nan"),
    ],
)
def test_what_cannot(fields: dict[str, Any], named: str) -> None:
    with pytest.raises(UserErrorException, match=named):
        check(Policy(**fields))


def test_an_interval_is_a_value_or_a_step() -> None:
    check(Policy("median", interval="step"))
    with pytest.raises(UserErrorException, match="interval of a policy is 'value' or 'step', not 'epoch'"):
        check(Policy("median", interval="epoch"))  # type: ignore[arg-type]  # what is refused
