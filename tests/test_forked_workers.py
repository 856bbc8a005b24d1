"""Workers that are forks of one which has collected the tests do what xdist's own do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

CONFTEST = """
from tests.forked_workers import pytest_xdist_getremotemodule, pytest_xdist_setupnodes
"""
TESTS = """
import os, sys
import pytest

with open("collected", "a") as file:
    file.write("x")

@pytest.mark.parametrize("number", range(8))
def test_prints(number, tmp_path, worker_id):
    os.write(1, f"said {number}".encode())
    assert os.environ["PYTEST_XDIST_WORKER"] == worker_id == tmp_path.parent.name.removeprefix("popen-")
    assert sys.argv[:1] == ["-c"]
    (tmp_path / "file").touch()
    assert number % 4, "it fails"

@pytest.fixture
def ends_badly():
    yield
    raise OSError("it cannot be undone")

def test_is_followed_by_an_error(ends_badly):
    pass

@pytest.mark.skip(reason="not today")
def test_is_not_run():
    pass

def test_ends_its_process():
    os._exit(3)
"""


def _run(folder: Path, *options: str) -> str:
    """What a run of the tests in `folder` by two workers prints."""
    (folder / "conftest.py").write_text(CONFTEST)
    plugins = [
        f"-pno:{name}" for name in ("cacheprovider", "anyio", "faker", "schemathesis", "hypothesispytest")
    ]
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-n2",
            "-W",
            "error::pytest.PytestAssertRewriteWarning",
            *plugins,
            *options,
        ],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PATH": "", "TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.stdout + done.stderr


@pytest.mark.long
def test_tests_are_collected_once_and_each_has_its_output(tmp_path: Path) -> None:
    (tmp_path / "test_some.py").write_text(TESTS)
    printed = _run(tmp_path)
    assert "3 failed, 7 passed, 1 skipped, 1 error in" in printed, printed
    assert "it cannot be undone" in printed
    assert (tmp_path / "collected").read_text() == "x"
    said = [line for line in printed.splitlines() if line.startswith("said ")]
    assert sorted(said) == ["said 0", "said 4"]
    assert "worker 'gw" in printed and "crashed while running" in printed


@pytest.mark.long
def test_what_cannot_be_collected_is_told(tmp_path: Path) -> None:
    (tmp_path / "test_some.py").write_text("import missing_module")
    assert "No module named 'missing_module'" in (printed := _run(tmp_path)), printed


@pytest.mark.long
def test_durations_are_those_of_all_phases(tmp_path: Path) -> None:
    (tmp_path / "test_some.py").write_text(TESTS)
    printed = _run(tmp_path, "--durations=30", "--durations-min=0")
    assert all(printed.count(f"s {phase} ") >= 9 for phase in ("setup", "call", "teardown")), printed


@pytest.mark.long
def test_a_worker_that_is_asked_to_hurry_while_it_ends_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "test_some.py").write_text("""
import _thread, os

def test_passes(request):
    if "PYTEST_XDIST_WORKER" in os.environ:
        request.config.add_cleanup(_thread.interrupt_main)
""")
    printed = _run(tmp_path)
    assert "1 passed" in printed and "KeyboardInterrupt" not in printed, printed
