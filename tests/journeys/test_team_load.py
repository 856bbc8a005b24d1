"""A shared server while runs log to it and people browse: the short form of `benchmarks.team_load`."""

from __future__ import annotations

import pytest
from benchmarks import team_load

RUNS, PEOPLE, SECONDS = 10, 4, 3.0


@pytest.mark.long
@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def test_each_point_is_kept_once_and_everybody_is_answered(kind: str) -> None:
    rows = {row.name: row for row in team_load.of(kind, RUNS, PEOPLE, SECONDS)}
    kept = rows[f"{kind}: points that are not there, or not once"]
    assert kept.value == 0, kept.note
    assert int(kept.note.split()[0].replace(",", "")) >= 0.5 * RUNS * SECONDS * team_load.POINTS
    assert "failed: none" in rows[f"{kind}: pages and API, p99"].note
