"""How a runner gets the guards of its scripts, whatever becomes of its fork server."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from faena.attempts.folder import AttemptFolder
from faena.node import processes
from faena.node.forking import ForkServer, ForkServerLost, Started
from faena.node.launch import GuardProcess
from faena.testing.waiting import until

_ORDER: dict[str, Any] = {
    **dict.fromkeys(("experiment", "workspace", "workspace_folder", "gpu", "gpus"), ""),
    "run_id": "run",
    "attempt": 1,
    "rank": 0,
    "python": sys.executable,
    "hooked": True,
    "script": "train.py",
    "arguments": [],
    "cores": 1,
    "node_count": 1,
    "defaults": {},
    "environment_variables": {},
}


@pytest.fixture
def forks() -> Iterator[ForkServer]:
    server = ForkServer()
    yield server
    server.close()


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Callable[..., tuple[AttemptFolder, GuardProcess]]]:
    """Starts the guard of a script; it is gone afterwards."""
    started: list[GuardProcess] = []

    def start(forks: ForkServer | None, code: str) -> tuple[AttemptFolder, GuardProcess]:
        folder = AttemptFolder(tmp_path / str(len(started)))
        folder.code.mkdir(parents=True)
        (folder.code / "train.py").write_text(textwrap.dedent(code))
        started.append(GuardProcess(_ORDER, folder, tmp_path / "runner.sock", forks))
        return folder, started[-1]

    yield start
    for guard in started:
        guard.close()
        assert guard.wait(120)


def ended(folder: AttemptFolder, guard: GuardProcess) -> dict[str, Any]:
    assert guard.wait(120)
    record = folder.end()
    assert record is not None
    return record


WAITS = """
    import pathlib, time
    print("begun", flush=True)
    while not pathlib.Path("go").exists():
        time.sleep(0.01)
"""
COUNTS = """
    import os
    os.close(os.open("begun", os.O_CREAT | os.O_EXCL))  # fails the second time
"""


def test_a_script_has_no_descriptor_but_its_own(guarded: Any, forks: ForkServer) -> None:
    folder, guard = guarded(forks, "import os\nprint(sorted(os.listdir('/proc/self/fd'), key=int))")
    ended(folder, guard)
    assert folder.driver_log.read_text() == "['0', '1', '2', '3']\n"  # the last is the listing's


def test_guards_leave_no_dead_process_behind(guarded: Any, forks: ForkServer) -> None:
    for _ in range(3):
        folder, guard = guarded(forks, "pass")
        assert ended(folder, guard)["exit_code"] == 0
        until(lambda guard=guard: processes.read(guard.pid) is None, "it was collected")  # type: ignore[misc]  # mypy infers no lambda with defaults


def test_a_script_outlives_the_fork_server_and_the_next_has_a_new_one(
    guarded: Any, forks: ForkServer
) -> None:
    folder, guard = guarded(forks, WAITS)
    until(folder.driver_log.exists, "the script has begun")
    first = forks.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    other, next_guard = guarded(forks, COUNTS)
    assert ended(other, next_guard)["exit_code"] == 0
    assert forks.pid not in (None, first)
    (folder.code / "go").touch()
    assert ended(folder, guard)["exit_code"] == 0


def test_a_fork_server_that_stands_still_is_replaced(guarded: Any) -> None:
    forks = ForkServer(patience=1.0)
    try:
        forks.start()
        assert forks.pid is not None
        os.kill(forks.pid, signal.SIGSTOP)
        folder, guard = guarded(forks, COUNTS)
        assert ended(folder, guard)["exit_code"] == 0
    finally:
        forks.close()


class DiesInTheAct(ForkServer):
    """It forks, and nobody hears of it."""

    def __init__(self) -> None:
        super().__init__()
        self.forked: list[Started] = []

    def fork(self, folder: Path, descriptors: Sequence[int]) -> Started:
        self.forked.append(super().fork(folder, descriptors))
        self.close()
        raise ForkServerLost("it died")


def test_a_script_starts_once_where_nobody_knows_whether_its_guard_was_forked(guarded: Any) -> None:
    forks = DiesInTheAct()
    folder, guard = guarded(forks, COUNTS)
    assert ended(folder, guard)["exit_code"] == 0
    assert len(forks.forked) > 1
    for lost in forks.forked:
        assert processes.read(lost.pid) is None or lost.pid != guard.pid
        assert lost.end is not None
        os.close(lost.end)


class ForksTheDead(ForkServer):
    """The first guards are killed before the runner gives them their word."""

    def __init__(self, dead: int) -> None:
        super().__init__()
        self.dead = dead
        self.forked: list[int] = []

    def fork(self, folder: Path, descriptors: Sequence[int]) -> Started:
        started = super().fork(folder, descriptors)
        self.forked.append(started.pid)
        if len(self.forked) <= self.dead:
            os.kill(started.pid, signal.SIGKILL)
            until(lambda: processes.read(started.pid) is None, "it is gone")
        return started


@pytest.mark.parametrize("dead", [1, 9], ids=["another one is forked", "one is started by itself"])
def test_a_script_whose_guard_was_killed_before_its_word_gets_another(guarded: Any, dead: int) -> None:
    forks = ForksTheDead(dead)
    try:
        folder, guard = guarded(forks, COUNTS)
        assert ended(folder, guard)["exit_code"] == 0
        assert len(forks.forked) == 2
        assert (guard.pid == forks.forked[1]) is (dead == 1)
    finally:
        forks.close()


def test_it_goes_with_its_runner(tmp_path: Path) -> None:
    code = """
        import sys
        from faena.node.forking import ForkServer
        forks = ForkServer()
        forks.start()
        print(forks.pid, flush=True)
        sys.stdin.readline()
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as runner:
        assert runner.stdout is not None
        pid = int(runner.stdout.readline())
        runner.kill()
    until(lambda: (found := processes.read(pid)) is None or found.state == "Z", "it is gone")
