"""A runner that dies before its script started: the script is not started, and the attempt says that nothing was."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from faena.node import guard, outcome
from faena.node.folder import AttemptFolder, write_record

_ORDER: dict[str, Any] = {"run_id": "run", "attempt": 1, "rank": 0}


def test_a_guard_whose_runner_is_gone_starts_no_script(tmp_path: Path) -> None:
    launch = {"argv": ["touch", "started"], "cwd": str(tmp_path), "env": dict(os.environ), "grace": 1}
    write_record(tmp_path, "launch", launch)
    lifeline, runners_end = os.pipe2(os.O_CLOEXEC)
    os.close(runners_end)
    command = [sys.executable, "-I", "-S", str(guard.__file__), str(tmp_path), str(lifeline)]
    subprocess.run(command, pass_fds=(lifeline,), check=True, timeout=30)
    os.close(lifeline)
    assert not (tmp_path / "started").exists()
    found, ended = outcome.read(AttemptFolder(tmp_path), _ORDER, adopted=True)
    assert (found["reason"], ended) == ("node_lost", None)


def test_an_adopted_attempt_without_any_record_was_lost_before_the_start(tmp_path: Path) -> None:
    found, _ = outcome.read(AttemptFolder(tmp_path), _ORDER, adopted=True)
    assert found["reason"] == "node_lost"


def test_a_guard_killed_under_a_living_runner_is_told_as_it_is(tmp_path: Path) -> None:
    found, _ = outcome.read(AttemptFolder(tmp_path), _ORDER)
    assert found["reason"] == "not_started"
    assert "guard" in found["message"]
