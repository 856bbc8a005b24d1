"""A runner that dies before its script started: the script is not started, and the attempt says that nothing was."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from faena.attempts.folder import AttemptFolder, write_record
from faena.attempts.key import AttemptKey
from faena.kernel.discovery import is_held
from faena.node import forking, launch, outcome
from faena.testing.waiting import until

_KEY = AttemptKey("run", 1, 0)
_ORDER: dict[str, Any] = {"run_id": "run", "attempt": 1, "rank": 0}


@pytest.mark.parametrize("word", [b"", b"g"], ids=["before", "after its word"])
def test_a_guard_whose_runner_is_gone_starts_no_script(tmp_path: Path, word: bytes) -> None:
    launch = {"argv": ["touch", "started"], "cwd": str(tmp_path), "env": dict(os.environ), "grace": 1}
    lifeline, runners_end = os.pipe2(os.O_CLOEXEC)
    lock = os.open(tmp_path / "guard.lock", os.O_RDWR | os.O_CREAT)
    described = forking.file_of(launch)
    os.write(runners_end, word)
    os.close(runners_end)
    started = forking.start_alone(tmp_path, [lifeline, lock, described])
    for descriptor in (lifeline, lock, described):
        os.close(descriptor)
    assert forking.has_ended(started, 120)
    assert not (tmp_path / "started").exists()
    found, ended = outcome.read(AttemptFolder(tmp_path), _KEY, None, adopted=True)
    assert (found["reason"], ended) == ("node_lost", None)


def test_an_adopted_attempt_without_any_record_was_lost_before_the_start(tmp_path: Path) -> None:
    found, _ = outcome.read(AttemptFolder(tmp_path), _KEY, None, adopted=True)
    assert found["reason"] == "node_lost"


def test_a_guard_killed_under_a_living_runner_before_its_script_began_is_a_lost_node(tmp_path: Path) -> None:
    """So the run is placed again: nothing of its script has happened."""
    folder = AttemptFolder(tmp_path)
    found, ended = outcome.read(folder, _KEY, None)
    assert (found["reason"], ended) == ("node_lost", None)
    assert "guard was killed, or failed, before the script started" in found["message"]
    assert outcome.may_have_started_at(found, folder) is None


@pytest.mark.parametrize("adopted", [False, True])
def test_one_killed_as_its_script_was_about_to_begin_says_no_more_than_is_known(
    tmp_path: Path, adopted: bool
) -> None:
    """The script's log is made right before it: what has one is not placed again as if it had not begun."""
    folder = AttemptFolder(tmp_path)
    folder.driver_log.touch()
    found, _ = outcome.read(folder, _KEY, None, adopted=adopted)
    assert found["reason"] == "node_lost"
    assert "Whether the script had begun is not known" in found["message"]
    at = outcome.may_have_started_at(found, folder)
    assert at == folder.driver_log.stat().st_mtime_ns // 1000


def test_a_script_that_could_not_be_started_has_not_begun_whatever_its_log(tmp_path: Path) -> None:
    folder = AttemptFolder(tmp_path)
    folder.driver_log.touch()
    write_record(folder.path, "end", {"not_started": "python could not be started: No such file"})
    found, _ = outcome.read(folder, _KEY, None)
    assert found["reason"] == "not_started"
    assert outcome.may_have_started_at(found, folder) is None


def test_a_guard_that_dies_as_it_forks_the_script_leaves_no_script(tmp_path: Path) -> None:
    """Killed in the middle of it, 20 times: what has no log after the guard's end never began."""
    launch = {
        "argv": ["/bin/sh", "-c", "echo begun > begun; exec sleep 600"],
        "cwd": "",
        "env": {"PATH": os.defpath},
        "grace": 1,
    }
    server = forking.ForkServer()
    try:
        for moment in range(20):
            folder = AttemptFolder(tmp_path / str(moment))
            folder.path.mkdir()
            may_have_begun = _kill_after(moment * 0.0003, folder, {**launch, "cwd": str(folder.path)}, server)
            assert may_have_begun or not (folder.path / "begun").exists()
    finally:
        server.close()


def _kill_after(
    seconds: float, folder: AttemptFolder, launch: dict[str, Any], server: forking.ForkServer
) -> bool:
    """What is said of a script whose guard is killed so long after it had its word; nothing of it is left."""
    lifeline, runners_end = os.pipe2(os.O_CLOEXEC)
    lock = os.open(folder.guard_lock, os.O_RDWR | os.O_CREAT)
    described = forking.file_of(launch)
    started = server.fork(folder.path, [lifeline, lock, described])
    for descriptor in (lifeline, lock, described):
        os.close(descriptor)
    os.write(runners_end, b"g")
    at = time.perf_counter() + seconds
    while time.perf_counter() < at:
        pass
    os.kill(started.pid, signal.SIGKILL)
    assert forking.has_ended(started, 120)
    found = folder.may_have_started()
    os.close(runners_end)
    forking.forget(started)
    until(lambda: not is_held(folder.guard_lock), "nothing of the guard is left")
    return found


def test_a_guard_holds_its_lock_from_before_it_runs(tmp_path: Path) -> None:
    """Nobody who adopts the attempt may come between the fork of the guard and its first step."""
    order = {
        **_ORDER,
        **dict.fromkeys(("experiment", "workspace", "workspace_folder", "gpu", "gpus"), ""),
        "python": sys.executable,
        "hooked": True,
        "script": "nothing.py",
        "arguments": [],
        "cores": 1,
        "node_count": 1,
        "defaults": {},
        "environment_variables": {},
    }
    folder = AttemptFolder(tmp_path)
    folder.code.mkdir()
    (folder.code / "nothing.py").touch()
    started = launch.GuardProcess(order, folder, tmp_path / "runner.sock")
    os.kill(started.pid, signal.SIGSTOP)
    try:
        assert is_held(folder.guard_lock)
    finally:
        os.kill(started.pid, signal.SIGCONT)
        until(lambda: started.wait(0.1), "the guard has left")
        started.close()
    assert not is_held(folder.guard_lock)
