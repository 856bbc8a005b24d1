"""How many examples a test of many gets: few in each run of the tests, more where somebody has the time for them."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Sequence

import pytest
from _pytest.mark.structures import ParameterSet

_TIMES = int(os.environ.get("EXAMPLES_TIMES", "1"))
MANY = _TIMES > 1


def examples(count: int) -> int:
    return count * _TIMES


def long_form(*values: object, id: str | None = None) -> ParameterSet:  # noqa: A002  pytest's word
    """For `parametrize`: values that `make long` tries, beside those that `make test` does."""
    return pytest.param(*values, id=id, marks=pytest.mark.long)


def mark_further_values(items: Sequence[pytest.Item]) -> None:
    """Of a test that is marked `few(n)`, n of its values run by `make test`, evenly spread; all run by `make long`."""
    values: dict[str, list[pytest.Item]] = defaultdict(list)
    for item in items:
        if item.get_closest_marker("few") and not item.get_closest_marker("long"):
            values[item.nodeid.partition("[")[0]].append(item)
    for of_one in values.values():
        (count,) = of_one[0].get_closest_marker("few").args  # type: ignore[union-attr]  # they have it
        tried = set(spread(len(of_one), count))
        for place, item in enumerate(of_one):
            if place not in tried:
                item.add_marker(pytest.mark.long)


def spread(size: int, count: int) -> list[int]:
    """So many of the places 0 to `size` - 1, or all where there are fewer; the first and the last among them."""
    if count >= size:
        return list(range(size))
    return [0] if count == 1 else [place * (size - 1) // (count - 1) for place in range(count)]
