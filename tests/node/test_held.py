"""A runner that is held by a pipe: it leaves with it, and where it is killed another one takes its place."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from faena.testing.kills.processes import parent_of
from faena.testing.waiting import until

_RUNNER = """
import os, signal, sys
from faena.node import held
held._REST = float(sys.argv[1])
if (code := held.part()) is not None:
    sys.exit(code)
signal.signal(signal.SIGTERM, lambda *_: (print("leaves", flush=True), sys.exit(3)))
print("runner", os.getpid(), flush=True)
while True:
    signal.pause()
"""


class Started:
    """The starter's child and its runners, with what they have said."""

    def __init__(self, log: Path, rest: float) -> None:
        self._log = log
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-c", _RUNNER, str(rest)],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
            )

    @property
    def said(self) -> str:
        return self._log.read_text()

    def runner(self, number: int = 1) -> int:
        def found() -> list[int]:
            return [int(line.split()[1]) for line in self.said.splitlines() if line.startswith("runner ")]

        until(lambda: len(found()) >= number, f"runner {number} is there")
        return found()[-1]

    def let_go(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()


def called(pid: int) -> str:
    return Path(f"/proc/{pid}/comm").read_text().strip()


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Started]:
    made = Started(tmp_path / "log", 0.01)
    yield made
    made.let_go()
    made.process.wait(30)


def test_it_leaves_in_good_order_when_its_pipe_ends(started: Started) -> None:
    assert parent_of(started.runner()) == started.process.pid
    started.let_go()
    assert started.process.wait(30) == 3
    assert "leaves" in started.said


def test_another_one_takes_the_place_of_one_that_is_killed_but_not_for_ever(started: Started) -> None:
    for number in range(1, 5):
        runner = started.runner(number)
        until(lambda: called(started.process.pid) == "faena-restarter", "who it is can be seen")
        assert called(runner) == "faena-runner"
        os.kill(runner, signal.SIGKILL)
    assert started.process.wait(30) == 128 + signal.SIGKILL
    assert started.said.count("was killed by signal 9: another one takes its place") == 3


def test_it_leaves_in_good_order_when_its_parent_is_killed(started: Started) -> None:
    started.runner()
    started.process.kill()
    until(lambda: "leaves" in started.said, "the runner has heard of it")


def test_none_is_started_once_the_pipe_has_ended(tmp_path: Path) -> None:
    started = Started(tmp_path / "log", 600.0)
    runner = started.runner()
    os.kill(runner, signal.SIGKILL)
    until(lambda: not Path(f"/proc/{runner}").exists(), "the runner is gone")
    started.let_go()
    assert started.process.wait(30) == 128 + signal.SIGKILL
    assert "another" not in started.said
