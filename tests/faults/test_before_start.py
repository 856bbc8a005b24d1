"""A runner that dies before its script started: the script is not started, and the attempt says that nothing was."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from faena.attempts.api import AttemptKey
from faena.attempts.folder import AttemptFolder, write_record
from faena.kernel.presence import is_held
from faena.node import guard, launch, outcome
from faena.testing.waiting import until

_KEY = AttemptKey("run", 1, 0)
_ORDER: dict[str, Any] = {"run_id": "run", "attempt": 1, "rank": 0}


def test_a_guard_whose_runner_is_gone_starts_no_script(tmp_path: Path) -> None:
    description = {"argv": ["touch", "started"], "cwd": str(tmp_path), "env": dict(os.environ), "grace": 1}
    write_record(tmp_path, "launch", description)
    lifeline, runners_end = os.pipe2(os.O_CLOEXEC)
    os.close(runners_end)
    lock = os.open(tmp_path / "guard.lock", os.O_RDWR | os.O_CREAT)
    command = [sys.executable, "-I", "-S", str(guard.__file__), str(tmp_path), str(lifeline), str(lock)]
    subprocess.run(command, pass_fds=(lifeline, lock), check=True, timeout=30)
    os.close(lifeline)
    os.close(lock)
    assert not (tmp_path / "started").exists()
    found, ended = outcome.read(AttemptFolder(tmp_path), _KEY, None, adopted=True)
    assert (found["reason"], ended) == ("node_lost", None)


def test_an_adopted_attempt_without_any_record_was_lost_before_the_start(tmp_path: Path) -> None:
    found, _ = outcome.read(AttemptFolder(tmp_path), _KEY, None, adopted=True)
    assert found["reason"] == "node_lost"


def test_a_guard_killed_under_a_living_runner_is_told_as_it_is(tmp_path: Path) -> None:
    found, _ = outcome.read(AttemptFolder(tmp_path), _KEY, None)
    assert found["reason"] == "not_started"
    assert "guard" in found["message"]


def test_a_guard_that_cannot_read_its_launch_says_so(tmp_path: Path) -> None:
    (tmp_path / "launch.json").write_bytes(b"")
    lock = os.open(tmp_path / "guard.lock", os.O_RDWR | os.O_CREAT)
    command = [sys.executable, "-I", "-S", str(guard.__file__), str(tmp_path), "0", str(lock)]
    subprocess.run(command, pass_fds=(lock,), check=True, timeout=30)
    os.close(lock)
    found, _ = outcome.read(AttemptFolder(tmp_path), _KEY, None)
    assert found["reason"] == "not_started"
    assert "launch.json cannot be read: it is empty" in found["message"]


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
