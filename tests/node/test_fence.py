"""A guard ends its script by itself when nobody has heard from the server for too long, whatever its runner does."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from faena.attempts.folder import AttemptFolder
from faena.attempts.key import AttemptKey
from faena.node import boot_clock, fence, outcome, processes
from faena.node.fence import Fence
from faena.node.forking import ForkServer
from faena.testing.waiting import until
from tests.node.test_guard import GuardedScript

_STUBBORN = (
    "import signal, time; signal.signal(15, signal.SIG_IGN); print('ready', flush=True); time.sleep(600)"
)
_TREE = """
import os, subprocess, sys, time
code = "import os, signal, time; os.setsid(); signal.signal(15, signal.SIG_IGN)"
code += "; print(os.getpid(), flush=True); time.sleep(600)"
subprocess.Popen([sys.executable, "-c", code])
time.sleep(600)
"""


@pytest.fixture(scope="module")
def forks() -> Iterator[ForkServer]:
    server = ForkServer()
    yield server
    server.close()


@pytest.fixture
def make(tmp_path: Path, forks: ForkServer) -> Iterator[Any]:
    made: list[GuardedScript] = []

    def start(code: str, **options: Any) -> GuardedScript:
        made.append(GuardedScript(forks, tmp_path / f"attempt{len(made)}", code, **options))
        return made[-1]

    yield start
    for script in made:
        script.close()


def at(seconds: float, term: float | None = None) -> dict[str, float]:
    return fence.described(boot_clock.now() + seconds, seconds if term is None else term)


def test_a_script_is_ended_at_the_moment_with_all_that_it_started(make: Any) -> None:
    described = at(1.5)
    script: GuardedScript = make(_TREE, fence=described)
    script.until_printed("\n")
    child = int(script.output())
    end = script.end()
    assert boot_clock.now() >= described["at"]
    assert (end["stopped_for"], end["silent"], end["killed_after"]) == ("fenced", 1.5, None)
    assert processes.read(child) is None
    found, _ = outcome.read(script.folder, AttemptKey("run", 1, 0), None)
    assert found["reason"] == "node_lost"
    assert found["message"].startswith(
        "The node had no word from the server for 1.5 s and ended the script itself"
    )
    assert outcome.was_fenced(script.folder)


def test_it_may_save_something_in_a_tenth_of_the_term(make: Any) -> None:
    script = make(_STUBBORN, fence=at(1.0, term=10.0))
    script.until_printed("ready")
    end = script.end()
    assert (end["stopped_for"], end["signal"]) == ("fenced", signal.SIGKILL)
    assert end["seconds"] > 1.9


def test_it_goes_on_as_long_as_the_moment_is_moved(make: Any) -> None:
    script = make("import time; time.sleep(2.5)", fence=at(1.0))

    def has_ended() -> bool:
        with suppress(BrokenPipeError):
            os.write(script.lifeline, fence.message(boot_clock.now() + 1.0))
        return script.folder.end() is not None

    until(has_ended, "the script has ended")
    assert (script.end()["exit_code"], script.end()["stopped_for"]) == (0, None)


def test_a_guard_that_stood_still_hears_first_what_it_was_told_meanwhile(make: Any) -> None:
    script = make("import time; print('ready', flush=True); time.sleep(2)", fence=at(1.0))
    script.until_printed("ready")
    os.kill(script.pid, signal.SIGSTOP)
    passed = boot_clock.now() + 1.0
    until(lambda: boot_clock.now() > passed, "its moment has passed")
    for moment in (-0.5, -0.2, 60.0):
        os.write(script.lifeline, fence.message(boot_clock.now() + moment))
    os.kill(script.pid, signal.SIGCONT)
    assert (script.end()["exit_code"], script.end()["stopped_for"]) == (0, None)


def test_where_the_server_gave_the_node_up_nothing_is_waited_for(make: Any) -> None:
    script = make(_STUBBORN, fence=at(600.0))
    script.until_printed("ready")
    os.write(script.lifeline, b"l")
    end = script.end()
    assert (end["stopped_for"], end["silent"], end["signal"]) == ("fenced", None, signal.SIGKILL)
    found, _ = outcome.read(script.folder, AttemptKey("run", 1, 0), None)
    assert found["message"].startswith("The server had given the node up and ended the script itself")


def test_a_script_whose_moment_has_passed_is_not_started(make: Any) -> None:
    script = make("print('started')", fence=at(-0.1, term=50.0))
    assert script.end() == {"not_started": "", "stopped_for": "fenced"}
    assert script.output() == ""
    found, _ = outcome.read(script.folder, AttemptKey("run", 1, 0), None)
    assert found["reason"] == "node_lost"


def test_one_that_is_canceled_has_no_longer_than_until_the_moment(make: Any) -> None:
    script = make(_STUBBORN, fence=at(1.0), grace=600.0)
    script.until_printed("ready")
    os.write(script.lifeline, b"c")
    end = script.end()
    assert (end["stopped_for"], end["signal"]) == ("cancel", signal.SIGKILL)
    assert end["seconds"] < 60


def test_no_grace_is_left_where_the_machine_slept_through_it(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Fence(at(50.0), grace=30.0)
    assert (made.is_reached, made.grace) == (False, 5.0)
    now = boot_clock.now()
    monkeypatch.setattr(boot_clock, "now", lambda: now + 52.0)
    assert made.is_reached
    assert made.grace == pytest.approx(3.0, abs=0.1)
    monkeypatch.setattr(boot_clock, "now", lambda: now + 3600.0)
    assert (made.is_reached, made.grace, made.left) == (True, 0.0, 0.0)
    assert Fence(at(50.0), grace=1.0).grace <= 1.0


def test_a_record_that_cannot_be_read_tells_of_no_fence(tmp_path: Path) -> None:
    (tmp_path / "end.json").write_text("{")
    assert not outcome.was_fenced(AttemptFolder(tmp_path))
