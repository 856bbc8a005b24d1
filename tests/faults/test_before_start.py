"""A runner that dies before its script started: the script is not started, and the attempt says that nothing was."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from faena.attempts.folder import AttemptFolder
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


def test_a_guard_killed_under_a_living_runner_is_told_as_it_is(tmp_path: Path) -> None:
    found, _ = outcome.read(AttemptFolder(tmp_path), _KEY, None)
    assert found["reason"] == "not_started"
    assert "guard" in found["message"]


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
