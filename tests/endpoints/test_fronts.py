"""When a front is replaced by one of what is installed now."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from faena.endpoints import fronts
from faena.endpoints.fronts import Fronts
from faena.kernel.installation import replaces
from faena.scoring.status import State, Status

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
        status=lambda: Status(pid=1, started_at="", port=1, **said),  # type: ignore[arg-type]  # by name
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
