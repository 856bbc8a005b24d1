"""The rule by which `as_of="auto"` finds a date."""

from __future__ import annotations

import datetime as dt

import pytest

from faena.environments.auto_date import Named, rule

_TODAY = dt.date(2026, 6, 1)
_OLD = Named("tensorflow==1.13.1", dt.date(2019, 2, 26))


@pytest.mark.parametrize(
    ("versions", "script", "date"),
    [
        ([_OLD], None, "2019-05-27"),
        ([_OLD], dt.date(2019, 8, 1), "2019-08-01"),
        ([_OLD], dt.date(2018, 8, 1), "2019-05-27"),
        ([_OLD], dt.date(2023, 8, 1), "2019-05-27"),
        ([_OLD, Named("h5py==2.10.0", dt.date(2019, 9, 6))], dt.date(2019, 8, 1), "2019-12-05"),
        ([], dt.date(2019, 8, 1), "2019-08-01"),
        ([], dt.date(2026, 5, 20), ""),
        ([], None, ""),
        ([Named("torch==2.15.0", dt.date(2026, 4, 1))], None, ""),
    ],
)
def test_the_date_is_never_before_the_versions_and_the_script_decides_within_a_year(
    versions: list[Named], script: dt.date | None, date: str
) -> None:
    found = rule(versions, script, _TODAY)
    assert found.date == date
    assert all(each.requirement in found.why for each in versions[-1:])
