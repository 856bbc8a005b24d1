"""The logs of server and nodes stay small, whoever has them open, and no line is lost; lock names never meet."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from faena.kernel import rotating
from faena.kernel.discovery import lock_name
from faena.kernel.rotating import rotate
from faena.testing.waiting import until

WRITER = """
import os, sys, time
log = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
number, most = 0, int(sys.argv[3])
while not os.path.exists(sys.argv[2]):
    if os.fstat(log).st_size > 1.5 * most:  # of what comes between two looks, twice the limit is kept
        time.sleep(0.001)
        continue
    for _ in range(500):
        os.write(log, b"line %d\\n" % number)
        number += 1
print(number)
"""


def written(log: Path) -> bytes:
    """All that is there, from the oldest on."""
    parts = (log.with_name(f"{log.name}.2"), log.with_name(f"{log.name}.1"), log)
    return b"".join(part.read_bytes() for part in parts if part.exists())


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "server.log"
    path.write_bytes(b"")
    return path


@pytest.fixture
def loses_nothing(tmp_path: Path) -> None:
    probe = tmp_path / "probe"
    probe.write_bytes(b"x" * 5000)
    with probe.open("r+b") as file:
        if not rotating._cut_beginning(file, 4096):
            pytest.skip("this file system takes nothing from the beginning of a file")
    assert probe.read_bytes() == b"x" * 904


@pytest.mark.usefixtures("loses_nothing")
def test_another_process_goes_on_writing_and_no_line_is_lost(log: Path, tmp_path: Path) -> None:
    done = tmp_path / "done"
    most = 1_000_000
    command = [sys.executable, "-c", WRITER, str(log), str(done), str(most)]
    writer = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    for _ in range(2):
        until(lambda: log.stat().st_size > most, "it has written so much")
        assert rotate(log, most)
    done.touch()
    (count,) = map(int, writer.communicate(timeout=60)[0].split())
    assert written(log) == b"".join(b"line %d\n" % number for number in range(count))


def test_no_more_is_kept_than_five_times_the_limit_however_much_came_at_once(log: Path) -> None:
    most = 100_000
    for number in range(8):
        with log.open("ab") as file:
            file.write(b"%d" % number * 500_000)
        assert rotate(log, most) and not rotate(log, most)
        assert len(written(log)) <= 5 * most
    names = sorted(path.name for path in log.parent.glob("server.log*"))
    assert names == ["server.log", "server.log.1", "server.log.2"]
    told, _, kept = log.with_name("server.log.1").read_text().partition("\n")
    assert "bytes before this came too fast" in told and kept == "7" * 200_000
    assert log.with_name("server.log.2").read_text().endswith("6" * 200_000)


def test_so_it_is_where_a_file_can_only_be_cut(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rotating, "_cut_beginning", lambda log, length: False)
    with log.open("ab", buffering=0) as file:
        file.write(b"a" * 50_000)
        assert rotate(log, 40_000)
        file.write(b"b")
    assert log.read_bytes() == b"b"
    assert written(log).endswith(b"a" * 40_000 + b"b")


def test_a_small_one_is_left_alone(log: Path) -> None:
    log.write_bytes(b"a line\n")
    assert not rotate(log)
    assert [path.name for path in log.parent.iterdir()] == ["server.log"]


def test_long_names_that_end_alike_have_locks_of_their_own() -> None:
    ends = "x" * 300
    names = [
        "a",
        "a" * 84,
        "a" * 85,
        f"adopt-one-{ends}",
        f"adopt-two-{ends}",
        f"ä-{ends}",
        "é" * 84,
        "é" * 85,
    ]
    locks = {lock_name(name) for name in names}
    assert len(locks) == len(names)
    assert all(len(lock.encode()) < 255 for lock in locks)
    assert (
        lock_name(locks_name := lock_name(f"adopt-one-{ends}").removesuffix(".lock")) != f"{locks_name}.lock"
    )
