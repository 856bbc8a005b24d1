"""Conditions on metrics: who fulfils them, and what is said of a name that nobody logs."""

from __future__ import annotations

import math
from typing import Any

import pytest

from faena.kernel.errors import UserErrorException
from faena.sweeps.metric_constraints import fulfils, never_logged, parse_all


@pytest.mark.parametrize(
    ("texts", "metrics", "is_fulfilled"),
    [
        ([], {}, True),
        (["latency <= 10"], {"latency": 10.0}, True),
        (["latency <= 10"], {"latency": 10.5}, False),
        (["latency <= 10"], {"latency": None}, False),
        (["latency <= 10"], {"latency": math.nan}, False),
        (["latency > 10"], {"latency": math.inf}, False),
        (["latency <= 10"], {"accuracy": 0.9}, False),
        (["latency <= 10", "size < 2"], {"latency": 3, "size": 1.5}, True),
        (["latency <= 10", "size < 2"], {"latency": 3, "size": 2.0}, False),
        (["latency * size <= 10"], {"latency": 3, "size": 3}, True),
        (["`val/loss` < 1"], {"val/loss": 0.5}, True),
        (["`val-loss` < 1 and val.error < 1"], {"val-loss": 0.5, "val.error": 0.5}, True),
        (["val - loss < 1"], {"val": 3, "loss": 2.5}, True),
        (["max(cold, warm) < 1e1"], {"cold": 3, "warm": 11}, False),
        (["max < 10"], {"max": 3}, True),
        (["latency / none < 1"], {"latency": 3, "none": 0}, False),
    ],
)
def test_who_fulfils_them(texts: list[str], metrics: dict[str, float | None], is_fulfilled: bool) -> None:
    assert fulfils(parse_all(texts), metrics) is is_fulfilled


@pytest.mark.parametrize(
    "texts", [["latency <="], ["<= 10"], ["3 < 10"], [""], [3], "latency < 10", ["a b < 1"]]
)
def test_what_is_no_condition(texts: Any) -> None:
    with pytest.raises(UserErrorException):
        parse_all(texts)


def test_a_name_that_is_not_logged() -> None:
    conditions = parse_all(["accuracy > 0", "latncy <= 10"])
    assert never_logged(conditions, ["accuracy", "latency"]) == (
        "The condition 'latncy <= 10' names 'latncy', which is not among the metrics that were logged."
        " Did you mean `latency`?"
    )
    assert never_logged(parse_all(["latency <= 10"]), ["accuracy", "latency"]) is None
    assert never_logged(parse_all(["val/loss <= 10"]), ["val/loss"]) is not None
