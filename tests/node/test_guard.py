"""The guard alone: it is started as the runner starts it, on a real script."""

from __future__ import annotations

import fcntl
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from faena.attempts.folder import AttemptFolder
from faena.node import forking, processes
from faena.node.forking import ForkServer
from faena.testing.waiting import until


class GuardedScript:
    """A guard with its script, `forked` or by itself; `lifeline` is the runner's end of the pipe."""

    def __init__(
        self,
        forks: ForkServer | None,
        folder: Path,
        code: str,
        *,
        grace: float = 30.0,
        argv: list[str] | None = None,
        fence: dict[str, float] | None = None,
    ) -> None:
        self.folder = AttemptFolder(folder)
        self.folder.code.mkdir(parents=True)
        launch = {
            "argv": argv or [sys.executable, "-c", code],
            "cwd": str(self.folder.code),
            "env": {**os.environ, "MARK": str(folder)},
            "grace": grace,
            **({} if fence is None else {"fence": fence}),
        }
        theirs, self.lifeline = os.pipe2(os.O_CLOEXEC)
        lock = os.open(self.folder.guard_lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
        fcntl.flock(lock, fcntl.LOCK_EX)
        given = [theirs, lock, forking.file_of(launch)]
        self.process = forks.fork(folder, given) if forks else forking.start_alone(folder, given)
        for descriptor in given:
            os.close(descriptor)
        os.write(self.lifeline, b"g")

    @property
    def pid(self) -> int:
        return self.process.pid

    def end(self) -> dict[str, Any]:
        assert forking.has_ended(self.process, 120)
        record = self.folder.end()
        assert record is not None
        return record

    def output(self) -> str:
        return self.folder.driver_log.read_text() if self.folder.driver_log.exists() else ""

    def until_printed(self, text: str) -> None:
        until(lambda: text in self.output(), f"the script printed {text!r}")

    def close(self) -> None:
        os.close(self.lifeline)
        assert forking.has_ended(self.process, 120)
        if self.process.end is not None:
            os.close(self.process.end)


@pytest.fixture(scope="module")
def fork_server() -> Iterator[ForkServer]:
    server = ForkServer()
    yield server
    server.close()


@pytest.fixture(params=["forked", "alone"])
def make(request: pytest.FixtureRequest, tmp_path: Path, fork_server: ForkServer) -> Iterator[Any]:
    made: list[GuardedScript] = []
    forks = fork_server if request.param == "forked" else None

    def start(code: str, **options: Any) -> GuardedScript:
        made.append(GuardedScript(forks, tmp_path / f"attempt{len(made)}", code, **options))
        return made[-1]

    yield start
    for script in made:
        script.close()


def test_exit_code_and_output_are_recorded(make: Any) -> None:
    script = make("import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)")
    end = script.end()
    assert (end["exit_code"], end["signal"], end["stopped_for"]) == (3, None, None)
    assert sorted(script.output().split()) == ["err", "out"]


def test_how_long_it_ran_is_no_matter_of_the_clock(make: Any) -> None:
    end = make("import time; time.sleep(0.3)").end()
    assert 0.3 <= end["seconds"] < 100


def test_a_program_that_is_not_there_is_named(make: Any) -> None:
    end = make("", argv=["/nowhere/python"]).end()
    assert end == {"not_started": "/nowhere/python could not be started: No such file or directory"}


def test_cancel_is_sigterm_first_so_that_a_script_may_save(make: Any) -> None:
    script = make("""
import signal, sys, time
def save(*_):
    print("saved", flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, save)
print("ready", flush=True)
time.sleep(600)
""")
    script.until_printed("ready")
    os.write(script.lifeline, b"c")
    assert script.end()["stopped_for"] == "cancel"
    assert "saved" in script.output()


def test_a_script_that_ignores_sigterm_is_killed_after_the_grace(make: Any) -> None:
    script = make(
        "import signal, time; signal.signal(15, signal.SIG_IGN); print('ready', flush=True); time.sleep(600)",
        grace=0.3,
    )
    script.until_printed("ready")
    os.write(script.lifeline, b"c")
    end = script.end()
    assert (end["stopped_for"], end["signal"]) == ("cancel", signal.SIGKILL)
    assert end["out_of_memory"] is False


def test_when_the_runner_dies_the_whole_tree_dies_with_it(make: Any) -> None:
    script = make("""
import os, subprocess, sys, time
code = "import os, time; os.setsid(); print('child', os.getpid(), flush=True); time.sleep(600)"
subprocess.Popen([sys.executable, "-c", code])
time.sleep(600)
""")
    script.until_printed("child")
    child = int(script.output().split()[1])
    os.close(os.dup(script.lifeline))
    theirs, mine = os.pipe()
    os.dup2(mine, script.lifeline)  # closes the pipe that the guard reads, keeps the number for the fixture
    os.close(mine)
    assert script.end()["stopped_for"] == "runner_lost"
    os.close(theirs)
    assert processes.read(child) is None


def test_when_the_guard_dies_its_script_dies_too(make: Any) -> None:
    script = make("import os, time; print(os.getpid(), flush=True); time.sleep(600)")
    script.until_printed("\n")
    pid = int(script.output())
    os.kill(script.pid, signal.SIGKILL)
    until(lambda: _is_gone(pid), "the script is gone")


def test_a_kill_for_want_of_memory_is_told_apart_from_any_other(make: Any) -> None:
    script = make("""
import os, time
print(os.getpid(), flush=True)
while not os.path.exists("may-hoard"):
    time.sleep(0.01)
hoard = [bytearray(b"x") * (8 << 20) for _ in range(64)]
""")
    script.until_printed("\n")
    limit = _limit_of_memory(int(script.output()))
    if limit is None:
        pytest.skip("this user may not make a control group")
    limit.write_text(str(64 << 20))
    (script.folder.code / "may-hoard").touch()
    end = script.end()
    assert (end["signal"], end["out_of_memory"]) == (signal.SIGKILL, True)


def _limit_of_memory(pid: int) -> Path | None:
    """The file that bounds what the group of a process has; None where it is in none of its own."""
    for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        for kind, name in (("memory", "memory.limit_in_bytes"), ("", "memory.max")):
            file = Path("/sys/fs/cgroup", kind, path.lstrip("/"), name)
            if kind in controllers.split(",") and "faena-" in path and file.exists():
                return file
    return None


def _is_gone(pid: int) -> bool:
    found = processes.read(pid)
    return found is None or found.state == "Z"
