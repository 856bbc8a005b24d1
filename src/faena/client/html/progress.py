"""How far long work is, as a bar in a notebook's output that is replaced; nothing elsewhere, and for short work."""

from __future__ import annotations

import sys
import time
from typing import Any

from faena.client.html.tables import text
from faena.kernel import ids

_SHORT = 1.0
"""Seconds of work of which nothing is shown."""
_PAUSE = 0.25


def kernel_display() -> Any:
    """IPython's module that displays, where a Jupyter kernel shows what this process does; else None."""
    found = sys.modules.get("IPython")
    shell = getattr(found, "get_ipython", lambda: None)()
    return None if getattr(shell, "kernel", None) is None else getattr(found, "display", None)


class Progress:
    """Of one piece of work. `total`: what `done` grows to; 0: nobody knows."""

    def __init__(self, what: str, total: int = 0) -> None:
        self._what = what
        self._total = total
        self._display = kernel_display()
        self._id = ""
        self._next = time.monotonic() + _SHORT
        self._done = 0

    @property
    def is_possible(self) -> bool:
        """Whether there is a notebook to show it."""
        return self._display is not None

    def at(self, done: int = 0, said: str = "") -> None:
        """`said`: in words, behind the bar."""
        self._done = done
        if self._display is None or time.monotonic() < self._next:
            return
        self._next = time.monotonic() + _PAUSE
        self._put(said)

    def end(self, said: str = "") -> None:
        """What it came to, instead of the bar; nothing of short work."""
        if self._display is not None and self._id:
            self._done = self._total
            self._put(said or "done", over=True)

    def _put(self, said: str, *, over: bool = False) -> None:
        bar = ""
        if not over:
            bounds = f' value="{self._done}" max="{self._total}"' if self._total else ""
            bar = f"<progress{bounds}></progress> "
        bundle = {
            "text/plain": f"{self._what}: {said}",
            "text/html": f"{text(self._what)}: {bar}{text(said)}",
        }
        if self._id:
            self._display.update_display(bundle, raw=True, display_id=self._id)
        else:
            self._id = f"faena-{ids.new_request_id()}"
            self._display.display(bundle, raw=True, display_id=self._id)
