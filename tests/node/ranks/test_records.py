"""Which rank was it: what wrappers, launchers and MPI leave behind."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from faena.attempts.folder import AttemptFolder
from faena.node.ranks import records, told_ends

ABORT = "Abort({code}) on node {rank} (rank {rank} in comm 0): application called MPI_Abort(MPI_COMM_WORLD, {code})\n"
BROKEN = (
    "Abort(15) on node {rank} (rank {rank} in comm 496): Fatal error in internal_Barrier: connection closed\n"
)


@pytest.fixture
def folder(tmp_path: Path) -> AttemptFolder:
    records.write_plan(tmp_path, {})
    return AttemptFolder(tmp_path)


def ended(folder: AttemptFolder, number: int, status: int) -> None:
    records.write_ended(folder.path, number, 1, status)


def test_the_first_that_ended_badly_by_itself_is_named(folder: AttemptFolder) -> None:
    ended(folder, 0, 0)
    ended(folder, 2, 3 << 8)
    ended(folder, 1, int(signal.SIGTERM))
    found = records.first_failed(folder.path, [0, 1, 2, 3])
    assert found is not None
    assert (found["rank"], found["exit_code"], found["signal"]) == (2, 3, None)


def test_one_that_mpi_ended_with_the_others_is_known_by_its_log(folder: AttemptFolder) -> None:
    for number in (0, 1):
        records.write_begun(folder.path, number, 1)
    records.log_of(folder.path, 0).write_text(BROKEN.format(rank=0))
    records.log_of(folder.path, 1).write_text("x" * 20_000 + "\n" + ABORT.format(rank=1, code=5))
    found = records.first_failed(folder.path, [0, 1])
    assert found is not None
    assert (found["rank"], found["exit_code"]) == (1, 5), "who asked for the end, not who noticed it"


def test_what_a_script_prints_of_another_rank_accuses_nobody(folder: AttemptFolder) -> None:
    records.log_of(folder.path, 0).write_text(ABORT.format(rank=1, code=5))
    assert records.first_failed(folder.path, [0]) is None


def test_those_that_live_can_be_signaled(folder: AttemptFolder) -> None:
    records.write_begun(folder.path, 0, 17)
    ended(folder, 1, 0)
    assert records.pids(folder.path, [0, 1, 2]) == [17]


@pytest.mark.parametrize("left", [b"", b"{", b"[]", b"\0\0"])
def test_a_record_that_cannot_be_read_is_none(folder: AttemptFolder, left: bytes) -> None:
    (folder.ranks / "0.json").write_bytes(left)
    assert records.first_failed(folder.path, [0]) is None


@pytest.mark.parametrize(
    ("told", "end", "message"),
    [
        ({"rank": 3, "exit_code": 3}, (3, None), "rank 3 (node 1) ended with exit code 3."),
        ({"rank": 3, "signal": 11}, (None, 11), "rank 3 (node 1) was killed by SIGSEGV (signal 11)."),
        ({"message": "There is no MPICH."}, (1, None), "There is no MPICH."),
        (None, (None, 9), "The launcher of the ranks of node 0 was killed by SIGKILL (signal 9), and"),
    ],
)
def test_the_end_names_the_rank(
    folder: AttemptFolder, told: dict[str, object] | None, end: tuple[int | None, int | None], message: str
) -> None:
    if told is not None:
        records.write(folder.path, records.END, {**told, "node": 1})
    found = told_ends.of_ranks(folder, {"exit_code": end[0], "signal": end[1], "out_of_memory": False})
    assert found["message"].startswith(message)


def test_a_script_of_one_process_ends_as_it_did(tmp_path: Path) -> None:
    assert told_ends.of_ranks(AttemptFolder(tmp_path), {}) == {}
