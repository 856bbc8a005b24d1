"""Each expression: what it refuses, where a coordinate leads, and the way back from a value."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faena.kernel.errors import UserErrorException
from faena.sweeps import expressions
from faena.sweeps.distributions import Expression


def made(word: str, *arguments: Any) -> Expression:
    return expressions.parse("--a", *expressions.split("--a", [word, list(arguments)]))


@pytest.mark.parametrize(
    ("expression", "coordinate", "value"),
    [
        (made("choice", ["a", 2, None]), 1, 2),
        (made("flag"), 0, None),
        (made("flag"), 1, ""),
        (made("randint", 5), 4, 4),
        (made("uniform", -1, 3), 0.25, 0.25),
        (made("loguniform", -6, 0), -2.0, 0.1353352832366127),
        (made("loguniform", -6, 0), 0.0, 1.0),
        (made("quniform", 1, 10, 4), 1.0, 0.0),
        (made("quniform", 1, 10, 4), 2.1, 4.0),
        (made("quniform", 1, 10, 4), 6.0, 8.0),  # 1.5 is rounded to the even 2
        (made("quniform", 1, 10, 4), 10.0, 8.0),  # and so is 2.5
        (made("quniform", 0, 1, 0.1), 0.31, 0.3),
        (made("quniform", 0, 1, 0.1), 0.71, 0.7),
        (made("qloguniform", 0, 3, 5), 2.5, 10.0),  # exp is 12.18
        (made("normal", 10, 3), 0.5, 10.0),
        (made("normal", 0, 1), 0.975, 1.959963984540054),
        (made("qnormal", 10, 3, 2), 0.975, 16.0),  # 15.88
        (made("lognormal", 0, 1), 0.5, 1.0),
        (made("lognormal", 0, 1), 0.975, 7.099071384231439),
        (made("qlognormal", 0, 1, 0.25), 0.975, 7.0),
    ],
)
def test_a_coordinate_is_a_value(expression: Expression, coordinate: float, value: Any) -> None:
    found = expression.value(coordinate)
    assert found == (pytest.approx(value, rel=1e-14) if isinstance(value, float) else value)
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("expression", "kind", "low", "high", "count"),
    [
        (made("choice", [1, 2, 3]), "index", 0, 2, 3),
        (made("choice", range(4)), "index", 0, 3, 4),
        (made("flag"), "index", 0, 1, 2),
        (made("randint", 1), "int", 0, 0, 1),
        (made("uniform", 1, 2), "float", 1, 2, None),
        (made("quniform", 1, 10, 4), "float", 1, 10, 3),
        (made("quniform", 1, 2, 10), "float", 1, 2, 1),
        (made("loguniform", -6, -1), "float", -6, -1, None),
        (made("qloguniform", 0, 3, 5), "float", 0, 3, 5),  # 0, 5, 10, 15, 20
        (made("normal", 5, 2), "float", 1e-9, 1 - 1e-9, None),
        (made("qnormal", 5, 2, 1), "float", 1e-9, 1 - 1e-9, None),
    ],
)
def test_what_a_sampler_chooses(
    expression: Expression, kind: str, low: float, high: float, count: int | None
) -> None:
    assert (expression.kind, expression.low, expression.high, expression.count) == (kind, low, high, count)


def test_units_are_spread_over_what_there_is() -> None:
    assert [made("randint", 4).from_unit(unit) for unit in (0.0, 0.249, 0.25, 0.999)] == [0, 0, 1, 3]
    assert made("uniform", 2, 6).from_unit(0.25) == 3.0
    assert made("choice", ["ab"] * 3).from_unit(1 - 2**-53) == 2


@pytest.mark.parametrize(
    ("written", "why"),
    [
        (["uniform", [5, 1]], "min has to be below max"),
        (["uniform", [1, 1]], "min has to be below max"),
        (["loguniform", [0, 0]], "min has to be below max"),
        (["loguniform", [0, 1000]], "logarithms"),
        (["uniform", [-1.7e308, 1.7e308]], "range"),
        (["uniform", [float("nan"), 1]], "min of uniform is nan"),
        (["uniform", [0, float("inf")]], "max of uniform is inf"),
        (["uniform", [0, 10**400]], "max of uniform"),
        (["uniform", [0, "1"]], "max of uniform is '1'"),
        (["uniform", [False, 1]], "min of uniform is False"),
        (["uniform", [0]], "1 argument"),
        (["uniform", [0, 1, 2]], "3 arguments"),
        (["quniform", [0, 1]], "2 arguments"),
        (["quniform", [0, 1, 0]], "q has to be above 0"),
        (["quniform", [0, 1, -1]], "q has to be above 0"),
        (["quniform", [0, 1e300, 1e-300]], "q is too small"),
        (["quniform", [0, 1.7e308, 1e308]], "beyond what a number can be"),
        (["normal", [0, 0]], "sigma has to be above 0"),
        (["normal", [0, -1]], "sigma has to be above 0"),
        (["normal", [1e308, 1e308]], "range"),
        (["lognormal", [0, 200]], "exp of it"),
        (["randint", [0]], "randint(0)"),
        (["randint", [-3]], "randint(-3)"),
        (["randint", [2.5]], "randint(2.5)"),
        (["randint", [2**60]], "randint("),
        (["choice", [[]]], "no option"),
        (["choice", [1, 2]], "2 arguments"),
        (["choice", [5]], "Give a list"),
        (["choice", [list(range(10_001))]], "10,001 options"),
        (["choice", [[float("nan")]]], "nan"),
        (["choice", [[[1, [math.inf]]]]], "inf"),
        (["choice", [["a\0b"]]], "letter"),
        (["choice", [["\ud800"]]], "letter"),
        (["choice", [["a" * 10_001]]], "10,001 characters"),
        (["choice", [[2**64]]], "64 bits"),
        (["choice", [[b"a"]]], "bytes"),
        (["choice", [[{1, 2}]]], "set"),
        (["flag", [1]], "1 argument"),
        (["unifrom", [0, 1]], "Did you mean uniform"),
        (["beta", [0, 1]], "Use one of choice, flag"),
        (0.1, "Give an expression"),
        ("uniform(0, 1)", "Give an expression"),
        (["uniform", 0, 1], "Give an expression"),
        (None, "Give an expression"),
    ],
)
def test_what_is_wrong_is_refused_with_the_name_of_the_parameter(written: Any, why: str) -> None:
    with pytest.raises(UserErrorException) as refusal:
        expressions.parse("--a", *expressions.split("--a", written))
    assert why in refusal.value.message
    assert "'--a'" in refusal.value.message


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


def test_values_are_nested_so_deep_at_most() -> None:
    assert made("choice", [nested(19)]).value(0) == nested(19)
    for depth in (21, 100_000):
        with pytest.raises(UserErrorException, match="nested deeper than 20"):
            made("choice", [nested(depth)])


@pytest.mark.parametrize(
    ("options", "given", "value"),
    [
        ([1, True, 1.0], True, True),
        ([1, True, 1.0], 1, 1),
        ([1, True, 1.0], 1.0, 1.0),
        ([True, 1.0], "1", 1.0),
        ([128, 256], "256", 256),
        ([0.1, 0.01], "1e-2", 0.01),
        ([0.1, 0.01], "0.010", 0.01),
        (["1", 1], 1, 1),
        (["1", 1], "1", "1"),
        ([True, False], "False", False),
        ([True, False], "false", False),
        (["relu", None], None, None),
        ([[1, 2], [3]], "[1,2]", [1, 2]),
        ([[1, 2], [3]], [3], [3]),
        ([[{"a": 1, "b": 2}]], '[{"b": 2, "a": 1}]', [{"a": 1, "b": 2}]),
        (["", "x"], "true", ""),
    ],
)
def test_an_option_is_found_by_itself_and_by_its_text(options: list[Any], given: Any, value: Any) -> None:
    found = made("choice", options).find(given)
    assert found is not None
    assert found[1] == value
    assert type(found[1]) is type(value)


@pytest.mark.parametrize(
    ("expression", "given"),
    [
        (made("choice", [1, 2]), 3),
        (made("choice", [1, 2]), True),
        (made("choice", ["a"]), {1, 2}),
        (made("choice", ["a"]), "[" * 100_000),
        (made("randint", 3), 3),
        (made("randint", 3), -1),
        (made("randint", 3), 1.5),
        (made("randint", 3), True),
        (made("uniform", 0, 1), 1.0000001),
        (made("uniform", 0, 1), "a"),
        (made("uniform", 0, 1), "nan"),
        (made("uniform", 0, 1), 10**400),
        (made("uniform", 0, 1), None),
        (made("loguniform", -6, -1), -0.1),
        (made("loguniform", -6, -1), 0),
        (made("quniform", 1, 10, 4), 6),
        (made("quniform", 1, 10, 4), 12),
        (made("quniform", 1, 10, 4), 1e300),
        (made("normal", 0, 1), 7),
        (made("flag"), "maybe"),
    ],
)
def test_what_is_not_there_is_not_found(expression: Expression, given: Any) -> None:
    assert expression.find(given) is None


def test_ends_that_people_write_are_within() -> None:
    """exp(log(0.0001)) is above 0.0001."""
    found = made("loguniform", math.log(1e-4), math.log(0.1)).find("0.0001")
    assert found == (math.log(1e-4), 1e-4)


def test_a_multiple_is_found_however_it_was_computed() -> None:
    expression = made("quniform", 0, 1, 0.1)
    assert [(expression.find(given) or (0, None))[1] for given in (0.3, 3 * 0.1, "0.3", 0.1 + 0.2)] == [
        0.3
    ] * 4


bounds = st.tuples(st.floats(-600, 600), st.floats(-600, 600)).filter(lambda pair: pair[1] - pair[0] > 1e-3)
around = st.tuples(st.floats(-100, 100), st.floats(0.01, 50))
steps = st.floats(0.01, 1000)
drawn = st.one_of(
    st.builds(lambda pair: made("uniform", *pair), bounds),
    st.builds(lambda pair: made("loguniform", *pair), bounds),
    st.builds(lambda pair, q: made("quniform", *pair, q), bounds, steps),
    st.builds(lambda pair, q: made("qloguniform", pair[0] / 40, pair[1] / 40, q), bounds, steps),
    st.builds(lambda pair: made("normal", *pair), around),
    st.builds(lambda pair: made("lognormal", *pair), around),
    st.builds(lambda pair, q: made("qnormal", *pair, q), around, steps),
    st.builds(lambda pair, q: made("qlognormal", pair[0] / 40, pair[1] / 40, q), around, steps),
    st.builds(lambda upper: made("randint", upper), st.integers(1, 2**53)),
)
units = st.floats(0, 1, exclude_max=True)


@given(drawn, units)
def test_what_was_drawn_is_found_again(expression: Expression, unit: float) -> None:
    coordinate = expression.from_unit(unit)
    assert expression.low <= coordinate <= expression.high
    value = expression.value(coordinate)
    for given_as in (value, repr(value)):
        found = expression.find(given_as)
        assert found is not None
        assert found[1] == value
        assert expression.low <= found[0] <= expression.high
        assert expression.value(found[0]) == pytest.approx(value, rel=1e-6, abs=1e-12)


@given(
    st.builds(lambda pair, q: made("quniform", *pair, q), bounds, steps)
    | st.builds(lambda pair, q: made("qloguniform", pair[0] / 100, pair[1] / 100, q), bounds, steps)
)
def test_the_values_of_a_finite_one_are_counted(expression: Expression) -> None:
    assert expression.count
    values = [expression.value(expression.nth(index)) for index in range(min(expression.count, 200))]
    assert len(set(values)) == len(values)
    last = expression.value(expression.nth(expression.count - 1))
    assert values[0] == expression.value(expression.low)
    assert last == expression.value(expression.high)
