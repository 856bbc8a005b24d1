"""A date as it may be given, and what it is for uv."""

from __future__ import annotations

import datetime as dt

import pytest

from faena.environments import cutoffs, python_releases
from faena.environments.model import EnvironmentSpec
from faena.kernel import dates
from faena.kernel.errors import UserErrorException

_TOKYO = dt.timezone(dt.timedelta(hours=9))


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (None, ""),
        ("2019-10-01", "2019-10-01"),
        (" 2019-10-01 ", "2019-10-01"),
        (dt.date(2019, 10, 1), "2019-10-01"),
        (dt.datetime(2019, 10, 1, 23, 59), "2019-10-01"),
        (dt.datetime(2019, 10, 2, 8, 0, tzinfo=_TOKYO), "2019-10-01"),
        ("Auto", "auto"),
        ("today", "today"),
    ],
)
def test_a_date_is_given_as_text_or_date(given: object, meant: str) -> None:
    assert dates.asked(given) == meant


@pytest.mark.parametrize(
    "given",
    [
        "2019-10",
        "1.10.2019",
        "20191001",
        "2019-W40-2",
        "2019-02-30",
        "yesterday",
        2019,
        2019.5,
        True,
        b"2019-10-01",
    ],
)
def test_what_is_no_date_is_refused_by_what_was_given(given: object) -> None:
    with pytest.raises(UserErrorException, match=r"as_of is .*no date.*'2019-10-01'"):
        dates.asked(given)


def test_a_day_that_has_not_come_is_refused() -> None:
    with pytest.raises(UserErrorException, match="has not come"):
        dates.asked("2999-01-01")
    with pytest.raises(UserErrorException, match="has not come"):
        EnvironmentSpec(as_of="2999-01-01")


def test_a_date_counts_to_the_end_of_its_day_in_utc_and_build_tools_are_of_2021() -> None:
    found = cutoffs.options("2019-10-01")
    assert found[:2] == ["--exclude-newer", "2019-10-02T00:00:00Z"]
    assert "setuptools=2022-01-01T00:00:00Z" in found
    assert cutoffs.options("2023-05-01") == ["--exclude-newer", "2023-05-02T00:00:00Z"]
    assert "bcrypt=false" in cutoffs.options("2023-05-01", ["bcrypt"])


def test_a_date_is_part_of_what_is_asked_and_the_same_one_is_the_same() -> None:
    asked = EnvironmentSpec(packages=("six",), as_of="2019-10-01")
    assert asked.digest == EnvironmentSpec(packages=("six",), as_of="2019-10-01").digest
    assert len({asked.digest, EnvironmentSpec(packages=("six",)).digest}) == 2
    with pytest.raises(UserErrorException, match="as_of"):
        EnvironmentSpec(interpreter="/usr/bin/python3", as_of="2019-10-01")


def test_a_moment_of_uvs_is_its_day_and_a_span_of_time_is_none() -> None:
    assert dates.cutoff_of_uv("2019-10-01T22:00:00-05:00") == "2019-10-02"
    assert dates.cutoff_of_uv("1 week") == dates.cutoff_of_uv("") == ""


def test_pythons_of_a_day_had_been_out_for_three_months() -> None:
    assert python_releases.minors_of(dt.date(2019, 10, 1)) == ["3.7", "3.6"]
    assert python_releases.minors_of(dt.date(2020, 3, 1))[0] == "3.8"
    assert python_releases.minors_of(dt.date(2016, 1, 1)) == []
