"""When a view looks again, and when it has its last state."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from faena.notebook import showing
from faena.notebook.showing import Showing
from faena.notebook.views.blocks import View


class Counting:
    """What is shown counts the looks, and ends when it is told to."""

    def __init__(self) -> None:
        self.looks = 0
        self.changed = threading.Event()
        self.over = False

    def follow(self, changed: Callable[[], None], stopped: Callable[[], bool]) -> None:
        changed()

    def look(self) -> View:
        self.looks += 1
        if self.looks > 1:
            self.changed.set()
        return View(f"look {self.looks}", (), ended=self.over)

    def has_ended(self) -> bool:
        return self.over

    def is_behind(self) -> bool:
        return False

    def trouble(self, said: str) -> View | None:
        return None


def test_the_end_of_a_cell_shows_the_last_state_however_dear_the_look_before_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(showing, "_MOST_PAUSE", 600.0)
    monkeypatch.setattr(showing, "LEAST_PAUSE", 600.0)
    watch = Counting()
    shown = Showing(watch)
    shown.start()
    assert watch.changed.wait(30), "it is looked at once more, and then not for long"
    watch.over = True
    shown.settle()
    assert not shown.is_open
