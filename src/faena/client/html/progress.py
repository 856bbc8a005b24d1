"""How far long work is, as a bar in a notebook's output that is replaced; nothing elsewhere, and for short work."""

from __future__ import annotations

import sys
import threading
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
    """Of one piece of work, as a `with` block, or until `end`. `total`: what `done` grows to; 0: nobody knows."""

    def __init__(self, what: str, total: int = 0, *, is_wanted: bool = True) -> None:
        """`is_wanted`: False where its user prints how far it is."""
        self._what = what
        self._total = total
        self._display: Any = kernel_display() if is_wanted else None
        self._id = ""
        self._next = time.monotonic() + _SHORT
        self._done = 0
        self._said = ""
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None
        if (
            self._display is not None
        ):  # of what says nothing for long, such as one large file, it is seen, too
            self._timer = threading.Timer(_SHORT, self._begin)
            self._timer.daemon = True
            self._timer.start()

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._finish("" if kind is None else "interrupted" if kind is KeyboardInterrupt else "failed")

    @property
    def is_possible(self) -> bool:
        """Whether there is a notebook to show it."""
        return self._display is not None

    def at(self, done: int = 0, said: str = "") -> None:
        """`said`: in words, behind the bar."""
        self._done, self._said = done, said
        if self._display is None or time.monotonic() < self._next:
            return
        with self._lock:
            self._put(said)

    def end(self, said: str = "") -> None:
        """What it came to, instead of the bar; nothing of short work. Once it has ended nothing more is shown."""
        self._finish(said)

    def _begin(self) -> None:
        with self._lock:
            if self._timer is not None and not self._id:
                self._put(self._said)

    def _finish(self, said: str) -> None:
        if self._timer is None:
            return
        self._timer.cancel()
        with self._lock:
            self._timer = None
            if self._id:
                self._put(said or "done", over=True)

    def _put(self, said: str, *, over: bool = False) -> None:
        self._next = time.monotonic() + _PAUSE
        bar = ""
        if not over:
            bounds = f' value="{self._done}" max="{self._total}"' if self._total and self._done else ""
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
