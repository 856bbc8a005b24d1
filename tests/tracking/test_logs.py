from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from faena.db import Read
from faena.kernel.errors import NotFound, UserErrorException
from faena.tracking import query, service
from tests.databases import on_sqlite_alone
from tests.examples import examples
from tests.tracking.workspace import RUN, TrackedWorkspace, log

NAME = "logs/train.log"


def test_follow_a_log(workspace: TrackedWorkspace) -> None:
    workspace.send(log(), b"one\n")
    first = workspace.log(NAME)
    assert (first.data, first.next_offset, first.size, first.sealed) == (b"one\n", 4, 4, False)
    assert workspace.log(NAME, 4).data == b""
    workspace.send(log(), b"two\n")
    assert workspace.log(NAME, 4).data == b"two\n"
    assert workspace.log(NAME, 2, 3).data == b"e\nt"
    assert workspace.log(NAME, -3).data == b"wo\n"
    assert workspace.log(NAME, 99).next_offset == 8


def test_bytes_are_kept_as_they_are(workspace: TrackedWorkspace) -> None:
    data = bytes(range(256)) + b"\r\n\xff\xfe half \xe2\x82"
    workspace.send(log(), data)
    assert workspace.log(NAME).data == data


def test_what_is_not_there(workspace: TrackedWorkspace) -> None:
    with pytest.raises(NotFound, match="no log 'x'"):
        workspace.log("x")
    workspace.send(log(), b"x")
    with pytest.raises(NotFound):
        workspace.log(NAME, attempt=2)
    with pytest.raises(UserErrorException, match="limit 0"):
        workspace.log(NAME, 0, 0)


def test_latest_attempt_of_each_log_and_its_ranks(workspace: TrackedWorkspace) -> None:
    workspace.send(log("azureml-logs/20_image_build_log.txt"), b"built")
    workspace.send(log(attempt=1), b"first")
    workspace.send(log(attempt=2), b"second")
    workspace.send(log(attempt=2, rank=1), b"other rank")
    found = workspace.read(lambda read: service.logs(read, RUN))
    assert [(row.name, row.attempt, row.rank, row.size) for row in found] == [
        ("azureml-logs/20_image_build_log.txt", 1, 0, 5),
        (NAME, 2, 0, 6),
        (NAME, 2, 1, 10),
    ]
    assert workspace.log(NAME).data == b"second"
    assert workspace.log(NAME, rank=1).data == b"other rank"
    assert workspace.log(NAME, attempt=1).data == b"first"


@pytest.mark.long
@on_sqlite_alone
def test_thousands_of_small_pieces_become_few_segments(workspace: TrackedWorkspace) -> None:
    lines = [f"epoch {place}\n".encode() for place in range(1000)]
    for line in lines:
        workspace.send(log(), line)
    assert workspace.log(NAME).data == b"".join(lines)

    def segments(read: Read) -> int:
        return int(read.connection.exec_driver_sql("SELECT count(*) FROM log_segments").scalar_one())

    assert workspace.read(segments) < 130


@settings(
    max_examples=examples(8),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(
    st.lists(st.integers(1, 200_000), min_size=1, max_size=20),
    st.lists(st.tuples(st.integers(0, 10**6), st.integers(1, 600_000)), max_size=5),
    st.booleans(),
)
def test_any_pieces_and_any_window(
    workspace: TrackedWorkspace, pieces: list[int], windows: list[tuple[int, int]], seal: bool
) -> None:
    attempt = len(workspace.reached) + 1
    key = log(attempt=attempt)
    whole = bytes(place * 31 % 251 for place in range(1000)) * (sum(pieces) // 1000 + 1)
    whole = whole[: sum(pieces)]
    at = 0
    for size in pieces:
        workspace.send(key, whole[at : at + size])
        at += size
    if seal:
        workspace.seal(attempt)
    assert workspace.log(NAME).data == whole
    for start, limit in windows:
        found = workspace.log(NAME, start, limit)
        assert found.data == whole[start : start + limit]
        assert (found.size, found.sealed) == (len(whole), seal)


def test_the_logs_of_attempts_are_followed_one_after_the_other(workspace: TrackedWorkspace) -> None:
    """Whoever knows a part of one reads its rest, then the next one from its beginning, whatever their lengths."""

    def grown(known: dict[str, tuple[int, int]]) -> list[tuple[int, int, bool]]:
        found = workspace.read(lambda read: query.grown_logs(read, RUN, known))
        return [(row.log.attempt, start, is_last) for row, start, is_last in found if row.log.name == NAME]

    for attempt, data in ((1, b"first\nrest\n"), (2, b"second\n"), (3, b"3\n")):
        workspace.append(log(attempt=attempt), 0, data)
    assert grown({}) == [(3, 0, True)], "who comes now sees what goes on now"
    assert grown({NAME: (1, 6)}) == [(1, 6, False)]
    assert grown({NAME: (1, 11)}) == [(2, 0, False)]
    assert grown({NAME: (2, 7)}) == [(3, 0, True)]
    workspace.append(log(), 11, b"late\n")
    assert grown({NAME: (3, 2)}) == [], (
        "what an old attempt brings later is kept, and not mixed into the new one's"
    )
