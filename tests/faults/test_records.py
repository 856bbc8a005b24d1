"""The campaign's own measure can tell what is lost, doubled and invented."""

from __future__ import annotations

from pathlib import Path

import pytest

from faena.testing.kills.evidence import Result, shown
from faena.testing.kills.records import Confirmed, compare
from faena.testing.kills.table import Row, render


@pytest.mark.parametrize(
    ("found", "doubled", "lost", "invented"),
    [
        ([1, 2, 3], 0, 0, 0),
        ([1, 2, 3, 4], 0, 0, 0),  # the one that was under way
        ([1, 3], 0, 1, 0),
        ([1, 2], 0, 1, 0),
        ([1, 2, 2, 3], 1, 0, 0),
        ([1, 2, 3, 4, 5], 0, 0, 1),
        ([2, 1, 3], 0, 0, 1),
        ([], 0, 3, 0),
    ],
)
def test_what_was_found_is_held_against_what_was_confirmed(
    found: list[int], doubled: int, lost: int, invented: int
) -> None:
    count = compare([1, 2, 3], found)
    assert (count.written, count.found) == (3, len(found))
    assert (count.doubled, count.lost, count.invented) == (doubled, lost, invented)
    row = Row("script", "running")
    row.add(Result("script", None, points=count))
    assert row.is_clean == (not (doubled or lost or invented))


def test_a_row_with_a_false_end_or_a_process_left_is_not_clean() -> None:
    false, left = Row("server", "queued"), Row("server", "queued")
    false.add(Result("server", None, wrong=["it ends as Completed"]))
    left.add(Result("server", None, left=1))
    assert not false.is_clean
    assert not left.is_clean
    assert "WRONG server queued: it ends as Completed" in render([false])


def test_the_table_is_eighty_columns_wide_at_most() -> None:
    row = Row("runner", "finalizing", kills=998)
    row.add(Result("runner", None, points=compare(range(99999), range(99999)), known=10.0))
    assert max(map(len, render([row]).splitlines())) <= 80


def test_records_and_whole_lines_are_read_back(tmp_path: Path) -> None:
    path = tmp_path / "confirmed"
    path.write_text("begin 7 100\npoint 1 101\nline 1 102\ndropped 2 103\nmodel abc 104\nend 1 105\npoi")
    found = Confirmed.read(path)
    assert (found.pids, found.points, found.lines, found.dropped) == ([7], [1], [1], [2])
    assert (found.model, found.ended) == ("abc", 105)
    (tmp_path / "log").write_text("1.\n2\n3.\n12")
    assert shown(tmp_path / "log") == [1, 3]
