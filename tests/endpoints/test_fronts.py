"""When a front is replaced by one of what is installed now."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from faena.endpoints import fronts
from faena.endpoints.fronts import Fronts
from faena.kernel.installation import replaces
from faena.scoring.status import State

HERE = "0.1.0 5 /venv/lib"


@pytest.mark.parametrize(
    ("now", "running", "is_replaced"),
    [
        (HERE, HERE, False),
        ("0.1.0 6 /venv/lib", HERE, True),
        ("0.2.0 5 /venv/lib", HERE, True),
        (HERE, "", True),
        ("0.1.0 6 /other/lib", HERE, False),
        (None, HERE, False),
        (None, "", False),
    ],
)
def test_what_is_installed_replaces_what_runs(now: str | None, running: str, is_replaced: bool) -> None:
    assert replaces(now, running) is is_replaced


def test_a_front_of_what_was_installed_before_is_replaced_while_it_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[list[str]] = []

    def start(module: str, arguments: list[str], *, log: Path) -> Any:
        started.append(arguments)
        return SimpleNamespace(poll=lambda: None)

    clock, pid = 100.0, 1
    monkeypatch.setattr(fronts, "start_module", start)
    monkeypatch.setattr(fronts, "installed", lambda: HERE)
    said = {"state": State.TRANSITIONING, "installation": "0.1.0 4 /venv/lib"}
    folder: Any = SimpleNamespace(
        path=tmp_path / "mnist",
        logs=tmp_path,
        has_front=True,
        front_pid=lambda: pid,
        told=lambda: {"pid": 1, **said},
    )
    tended = Fronts(lambda: clock)
    for at, process, state, count in (
        (100.0, 1, State.TRANSITIONING, 0),
        (130.0, 1, State.HEALTHY, 0),
        (161.0, 2, State.HEALTHY, 0),
        (222.0, 1, State.HEALTHY, 1),
        (230.0, 1, State.HEALTHY, 1),
        (283.0, 1, State.HEALTHY, 2),
    ):
        clock, pid = at, process
        said["state"] = state
        assert tended.tend(folder) == 0.0
        assert started == [[str(folder.path), "--replace"]] * count
    said["installation"] = HERE
    clock = 400.0
    assert tended.tend(folder) == 0.0
    assert len(started) == 2


@pytest.fixture
def waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Any, list[subprocess.Popen[bytes]]]]:
    """The folder of an endpoint without a front, and what stands for fronts: `cat` waits for its input, too."""
    started: list[subprocess.Popen[bytes]] = []

    def start(module: str, arguments: list[str], *, log: Path, stdin: int = subprocess.DEVNULL) -> Any:
        started.append(subprocess.Popen(["cat"], stdin=stdin, stdout=subprocess.PIPE))
        return started[-1]

    monkeypatch.setattr(fronts, "start_module", start)
    yield SimpleNamespace(path=tmp_path / "mnist", logs=tmp_path, has_front=False), started
    for process in started:
        process.kill()
        process.wait(60)
        assert process.stdout is not None
        process.stdout.close()


def test_the_front_that_has_loaded_what_it_needs_is_the_one_that_begins(waiting: Any) -> None:
    folder, started = waiting
    tended = Fronts()
    tended.prepare(folder)
    tended.prepare(folder)
    assert len(started) == 1
    assert tended.tend(folder) == 0.0
    assert len(started) == 1
    assert started[0].stdout.read() == b"\n"
    assert started[0].wait(60) == 0


def test_one_that_is_not_needed_leaves_unbidden(waiting: Any) -> None:
    folder, started = waiting
    tended = Fronts()
    tended.prepare(folder)
    tended.dismiss("mnist")
    assert started[0].stdout.read() == b""
    tended.prepare(folder)
    folder.has_front = True
    folder.told = lambda: None
    tended.tend(folder)
    assert started[1].stdout.read() == b""
    tended.prepare(folder)
    assert len(started) == 2


def test_where_one_died_as_it_waited_another_is_started(waiting: Any) -> None:
    folder, started = waiting
    tended = Fronts()
    tended.prepare(folder)
    started[0].kill()
    started[0].wait(60)
    assert tended.tend(folder) == 0.0
    assert len(started) == 2
