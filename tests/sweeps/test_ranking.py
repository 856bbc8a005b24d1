"""Which trial is the best, by one objective or several."""

from __future__ import annotations

import math
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faena.sweeps.ranking import Result, averaged, best, front, ranked, value_of
from faena.sweeps.schemas import Goal


def results(*values: float | None) -> list[Result]:
    return [Result(number, (value,)) for number, value in enumerate(values)]


def order(goal: Goal, found: list[Result]) -> list[int]:
    return [result.number for result in ranked(goal, found)]


@pytest.mark.parametrize(
    ("goal", "which", "expected"),
    [
        ("maximize", "best", (0.9, 2)),
        ("minimize", "best", (0.1, 1)),
        ("maximize", "last", (0.5, 4)),
    ],
)
def test_the_value_that_counts(goal: Goal, which: str, expected: tuple[float, int]) -> None:
    logged = [(0.1, 1), (0.9, 2), (0.9, 3), (0.5, 4)]
    assert value_of(goal, which, logged) == expected  # type: ignore[arg-type]  # a parameter


def test_a_last_value_that_is_none() -> None:
    logged = [(0.5, 1), (math.inf, 2), (math.nan, 3)]
    assert value_of("maximize", "last", logged) == (None, 3)
    assert value_of("maximize", "best", logged) == (0.5, 1)
    assert value_of("maximize", "best", []) == (None, 0)


def test_order_of_both_goals() -> None:
    found = results(0.5, 0.9, None, 0.7, math.nan, math.inf)
    assert order("maximize", found) == [1, 3, 0, 2, 4, 5]
    assert order("minimize", found) == [0, 3, 1, 2, 4, 5]


def test_of_equals_who_was_there_first_then_the_lower_number() -> None:
    found = [
        Result(0, (0.9,), 30),
        Result(1, (0.9,), 20),
        Result(2, (0.9,), 20),
        Result(3, (-0.0,)),
        Result(4, (0.0,)),
    ]
    assert order("maximize", found) == [1, 2, 0, 3, 4]


def test_who_has_no_value_is_not_the_best() -> None:
    assert best("maximize", results(None, math.nan)) is None
    assert best("maximize", []) is None
    found = best("minimize", results(None, 0.5))
    assert found is not None
    assert found.number == 1


def test_who_does_not_fulfil_the_conditions_is_not_the_best() -> None:
    found = [Result(0, (0.9,), is_allowed=False), Result(1, (0.5,)), Result(2, (None,))]
    assert order("maximize", found) == [1, 0, 2]
    assert best("maximize", found[:1]) is None


def test_repeats_are_ranked_by_their_mean() -> None:
    # a: (0.9 + 0.3) / 2 = 0.6; b: (0.7 + 0.7) / 2 = 0.7; c: 0.95, but one of its two has no value.
    found = [
        Result(number, (value,), at, digest)
        for number, (value, at, digest) in enumerate(
            [(0.9, 5, "a"), (0.3, 1, "a"), (0.7, 2, "b"), (0.7, 3, "b"), (0.95, 4, "c"), (None, 0, "c")]
        )
    ]
    together = averaged(found, repeats=2)
    assert order("maximize", together) == [2, 0, 4]
    assert [result.numbers for result in ranked("maximize", together)] == [(2, 3), (0, 1), (4, 5)]
    assert [result.values for result in together] == [(pytest.approx(0.6),), (0.7,), (0.95,)]
    assert [result.reached_at for result in together] == [5, 3, 4]
    assert averaged(found[:1], repeats=2)[0].is_whole is False


def test_front_of_two() -> None:
    # Accuracy up, latency down: 1 is beaten by 0 in both, 4 by 2 in latency; 5 is the equal of 2.
    values = [
        (0.9, 10.0),
        (0.8, 11.0),
        (0.7, 5.0),
        (0.95, 20.0),
        (0.7, 6.0),
        (0.7, 5.0),
        (None, 1.0),
        (1.0, math.nan),
    ]
    found = [Result(number, value) for number, value in enumerate(values)]
    assert [result.number for result in front(("maximize", "minimize"), found)] == [3, 0, 2, 5]
    assert [result.number for result in front(("maximize", "maximize"), found)] == [3]


def test_who_does_not_fulfil_the_conditions_is_not_on_the_front() -> None:
    found = [
        Result(0, (0.9, 10.0), is_allowed=False),
        Result(1, (0.8, 11.0)),
        Result(2, (1.0, 1.0), is_whole=False),
    ]
    assert [result.number for result in front(("maximize", "minimize"), found)] == [1]


@given(st.data(), st.integers(1, 4))
def test_the_front_is_who_is_not_dominated(data: st.DataObject, count: int) -> None:
    small = st.integers(0, 4).map(float)
    points = data.draw(st.lists(st.tuples(*([small] * count)), max_size=25))
    goals = data.draw(st.tuples(*([st.sampled_from(("maximize", "minimize"))] * count)))
    signs = [1 if goal == "maximize" else -1 for goal in goals]
    turned = [tuple(sign * value for sign, value in zip(signs, point, strict=True)) for point in points]

    def dominates(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
        return one != other and all(mine >= its for mine, its in zip(one, other, strict=True))

    expected = {
        number for number, point in enumerate(turned) if not any(dominates(other, point) for other in turned)
    }
    found = front(goals, [Result(number, point) for number, point in enumerate(points)])
    assert {result.number for result in found} == expected
    assert len(found) == len(expected)


def test_a_front_of_many_is_found_at_once() -> None:
    # Every point of a plane x + y + z = 60 is on the front: 1,891 of them.
    points = [(float(x), float(y), float(60 - x - y)) for x, y in product(range(61), repeat=2) if x + y <= 60]
    found = front(("minimize",) * 3, [Result(number, point) for number, point in enumerate(points)])
    assert len(found) == len(points)
