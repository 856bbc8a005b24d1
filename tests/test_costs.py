"""A test's cost is that of all that it starts."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TESTS = """
import subprocess, sys

BURN = "import time\\nwhile time.process_time() < 1.2: pass"

def test_starts_somebody_who_works():
    subprocess.run([sys.executable, "-c", BURN], check=True)

def test_waits_for_nothing():
    pass
"""


@pytest.mark.long
@pytest.mark.skipif(os.geteuid() != 0, reason="control groups need root")
def test_what_a_test_starts_counts(tmp_path: Path) -> None:
    (tmp_path / "test_some.py").write_text(TESTS)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-n2", "-p", "xdist", "-p", "tests.costs"],
        cwd=tmp_path,
        env={
            "PYTHONPATH": str(ROOT),
            "PATH": "",
            "TMPDIR": str(tmp_path),
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if "read from control groups" in done.stdout + done.stderr:
        pytest.skip("control groups cannot be made here")
    assert re.search(
        r"\n +1\.[2-9] \(1\.[2-9]\) test_some\.py::test_starts_somebody_who_works\n2 tests: ", done.stdout
    ), done.stdout
    assert "1 of them above 0.5 s each" in done.stdout
    assert list(tmp_path.glob("faena-test-costs-*")) == []
