"""What is damaged, gone or replaced in an attempt folder is told as that, and nothing is guessed."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from faena.attempts.folder import AttemptFolder, write_record
from faena.attempts.follow import Follower
from faena.attempts.key import AttemptKey
from faena.attempts.records import SCRIPT_ENDED, UnreadableRecord
from faena.node import notes, outcome
from faena.node.hints.advice import with_advice
from faena.script.spool import SpoolWriter

KEY = AttemptKey("run", 1, 0)
ENDED: dict[str, Any] = {
    "exit_code": 0,
    "signal": None,
    "out_of_memory": False,
    "memory_kills": 0,
    "stopped_for": None,
    "ended": 1_795_927_000_000_000,
}


@pytest.fixture
def folder(tmp_path: Path) -> AttemptFolder:
    folder = AttemptFolder(tmp_path)
    folder.spool.mkdir()
    write_record(tmp_path, "start", {"at": 1})
    return folder


def _a_fifo(path: Path) -> None:
    os.mkfifo(path)


def _a_folder(path: Path) -> None:
    path.mkdir()


def _a_link_to_nothing(path: Path) -> None:
    path.symlink_to("/nowhere/at/all")


@pytest.mark.parametrize("replace", [_a_fifo, _a_folder, _a_link_to_nothing])
def test_a_record_in_whose_place_is_something_else(
    folder: AttemptFolder, replace: Callable[[Path], None]
) -> None:
    replace(folder.path / "end.json")
    with pytest.raises(UnreadableRecord):
        folder.end(SCRIPT_ENDED)


@pytest.mark.parametrize(
    "changed",
    [
        {"exit_code": 10**20},
        {"exit_code": True},
        {"exit_code": 1.5},
        {"signal": -9},
        {"signal": [9]},
        {"ended": 10**30},
        {"ended": -5},
        {"stopped_for": "zzz"},
        {"exit_code": None},
        {"signal": 9},
    ],
)
def test_an_end_that_cannot_be_is_no_end(folder: AttemptFolder, changed: dict[str, Any]) -> None:
    write_record(folder.path, "end", {**ENDED, **changed})
    found, ended = outcome.read(folder, KEY, None)
    assert (found["reason"], ended) == ("node_lost", None)
    assert "How the script ended is not known" in found["message"]


def test_an_end_that_is_not_there_is_not_taken_for_a_kill(folder: AttemptFolder) -> None:
    found, _ = outcome.read(folder, KEY, None, adopted=True)
    assert found["reason"] == "node_lost" and "is not known" in found["message"]
    assert "memory" not in with_advice(found, folder, {})["message"]


@pytest.mark.parametrize(
    ("kills", "said", "not_said"),
    [(0, "nor the kernel", "dmesg"), (None, "dmesg", "nor the kernel"), (1, "rose by 1", "is not known")],
)
def test_who_sent_a_kill_is_not_guessed(
    folder: AttemptFolder, kills: int | None, said: str, not_said: str
) -> None:
    write_record(folder.path, "end", {**ENDED, "exit_code": None, "signal": 9, "memory_kills": kills})
    found, _ = outcome.read(folder, KEY, None)
    message = with_advice(found, folder, {})["message"]
    assert said in message and not_said not in message and "most often" not in message


def _left(folder: AttemptFolder) -> dict[str, str]:
    follower = Follower(folder, rank=0, node_count=1)
    follower.discover()
    return {loss.about: loss.message for loss in follower.losses()}


@pytest.fixture
def ended(folder: AttemptFolder) -> AttemptFolder:
    """A script has logged and printed, and nothing of it has been brought away."""
    (folder.spool / "7-0123abcd.spool").write_bytes(b"\xfa\xe1\x05" + b"x" * 97)
    folder.driver_log.write_bytes(b"line\n" * 10)
    write_record(folder.path, "end", {**ENDED, "left": folder.streams_left()})
    return folder


def test_what_is_there_as_it_was_is_not_lost(ended: AttemptFolder) -> None:
    assert _left(ended) == {}


@pytest.mark.parametrize("replace", [None, _a_fifo, _a_folder, _a_link_to_nothing, Path.touch])
def test_what_is_gone_since_the_script_ended_is_told(
    ended: AttemptFolder, replace: Callable[[Path], None] | None
) -> None:
    for path in (ended.spool / "7-0123abcd.spool", ended.driver_log):
        path.unlink()
        if replace is not None:
            replace(path)
    lost = _left(ended)
    assert "100 bytes" in lost["The spool of process 7-0123abcd "]
    assert "50 bytes" in lost["The log azureml-logs/70_driver_log.txt "]


def test_what_was_cut_since_the_script_ended_is_told(ended: AttemptFolder) -> None:
    os.truncate(ended.driver_log, 20)
    assert "was cut to 20 bytes" in _left(ended)["The log azureml-logs/70_driver_log.txt "]


def test_a_log_that_is_a_link_is_not_followed(ended: AttemptFolder) -> None:
    secret = ended.path / "secret"
    secret.write_bytes(b"s" * 500)
    ended.driver_log.unlink()
    ended.driver_log.symlink_to(secret)
    follower = Follower(ended, rank=0, node_count=1)
    follower.discover()
    assert all(b"s" * 10 not in part.data for part in follower.segments(10_000))


def test_damaged_sizes_are_passed_over(ended: AttemptFolder) -> None:
    record = json.loads((ended.path / "end.json").read_text())
    for left in ([1], {"driver.log": "x"}, None, {"driver.log": True}):
        write_record(ended.path, "end", {**record, "left": left})
        assert _left(ended) == {}


def test_a_spool_that_was_removed_under_its_process_comes_back(tmp_path: Path) -> None:
    writer = SpoolWriter(str(tmp_path))
    writer.point("a", 1.0)
    [path] = tmp_path.glob("*.spool")
    path.unlink()
    writer.point("a", 2.0)
    writer.end()
    assert path.read_bytes().count(b"\xfa\xe1\x02") == 2


@pytest.mark.parametrize(
    ("seconds", "by"), [(8.0, None), (16.0, -8.0), (0.5, 7.5), (8.0 - 1e-3, None), ("8", None), (1e400, None)]
)
def test_a_clock_that_was_set_while_the_script_ran_is_noticed(
    folder: AttemptFolder, seconds: Any, by: float | None
) -> None:
    write_record(folder.path, "start", {"at": ENDED["ended"] - 8_000_000})
    write_record(folder.path, "end", {**ENDED, "seconds": seconds})
    assert outcome.clock_set(folder) == (None if by is None else (by, seconds))


def test_what_an_older_guard_left_says_nothing_of_the_clock(folder: AttemptFolder) -> None:
    write_record(folder.path, "end", ENDED)
    assert outcome.clock_set(folder) is None


def test_a_note_says_which_way_the_clock_was_set() -> None:
    note = notes.clock_set(AttemptKey("run", 1, 2), -8.0, 16.0, elsewhere=False)
    assert note["code"] == "clock_set_2"
    assert "rank 2 ran was set back by 8.0 s" in note["message"]
    assert "It ran for 16.0 s" in note["message"]
