"""A short `faena drill`, on a history that must stay as it was; tests/faults/test_short.py has its kills each time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.long
@pytest.mark.timeout(900)
def test_a_short_drill_finds_everything_and_leaves_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "faena.cli", "drill", "--kills", "2", "--seconds", "2"]
    command += ["--seed", "3", "--history", "300", "--json"]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=800, check=False)
    said = json.loads(done.stdout)
    assert (done.returncode, said["clean"], said["kills"]) == (0, True, 2), said
    assert sum(row["points"]["written"] for row in said["victims"]) > 20
    assert said["sweeps"] >= 1
    assert said["far"] >= 1
    assert said["trials"] == 8 * said["sweeps"]
    trials = next(row for row in said["victims"] if row["victim"] == "trial")
    assert (trials["points"]["written"] >= 16, trials["wrong"]) == (True, [])
    far = next(row for row in said["victims"] if row["victim"] == "node")
    assert (far["lines"]["found"], far["wrong"]) == (60 * said["far"], [])
    assert {row["points"]["lost"] + row["lines"]["doubled"] for row in said["victims"]} == {0}
    assert said["history"] == "300 of 300 runs, rows of 300 compared"
    assert list(tmp_path.iterdir()) == []
