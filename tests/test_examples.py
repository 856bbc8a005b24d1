"""Which of a test's many values run each time."""

from __future__ import annotations

import pytest

from tests.examples import spread


@pytest.mark.parametrize(
    ("size", "count", "places"),
    [(0, 3, []), (2, 3, [0, 1]), (3, 3, [0, 1, 2]), (9, 1, [0]), (9, 2, [0, 8]), (10, 4, [0, 3, 6, 9])],
)
def test_they_are_evenly_spread(size: int, count: int, places: list[int]) -> None:
    assert spread(size, count) == places


@pytest.mark.few(2)
@pytest.mark.parametrize("value", range(3))
def test_further_values_are_of_the_long_form(value: int, request: pytest.FixtureRequest) -> None:
    assert (request.node.get_closest_marker("long") is not None) == (value == 1)
