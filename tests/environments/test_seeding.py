"""pip, setuptools and wheel of a day, without asking an index."""

from __future__ import annotations

import pytest

from faena.environments import seeding


@pytest.mark.parametrize(
    ("date", "expected"),
    [
        ("2019-10-01", ("pip", "setuptools<=41.2.0", "wheel<=0.33.6")),
        ("2019-10-07", ("pip", "setuptools<=41.4.0", "wheel<=0.33.6")),
        ("2015-01-01", ("pip", "setuptools<=34.3.2", "wheel<=0.29.0")),  # no Python of that time is served
        ("2021-12-30", ("pip", "setuptools<=60.2.0", "wheel<=0.37.1")),
        ("2022-06-01", ("pip", "setuptools", "wheel")),  # the date alone holds them back
    ],
)
def test_build_tools_are_those_of_the_day_where_builds_are_given_later_ones(
    date: str, expected: tuple[str, ...]
) -> None:
    assert seeding.of_a_date(date) == expected


def test_what_is_asked_for_in_a_version_is_left_to_who_asks() -> None:
    assert seeding.wanted(("pip", "setuptools<=41.2.0"), ["setuptools==40.0", "pip", "kit"]) == ["pip"]
