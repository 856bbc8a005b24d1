"""The views of this kernel that are followed now: brought up to date when a cell ends, closed when the kernel exits."""

from __future__ import annotations

import atexit
import contextlib
import sys
from typing import Any, Protocol

_MOST = 12
"""Beyond which the oldest ones are left as they are: whoever shows in a loop wants the newest."""


class Closable(Protocol):
    def close(self) -> None: ...

    def settle(self) -> None: ...


_open: list[Closable] = []
_hooked = False


def add(view: Closable) -> None:
    _hook()
    _open.append(view)
    for old in _open[:-_MOST]:
        old.close()


def discard(view: Closable) -> None:
    with contextlib.suppress(ValueError):
        _open.remove(view)


def settle(_result: Any = None) -> None:
    for view in [*_open]:  # closed, it leaves
        view.settle()


def close() -> None:
    for view in [*_open]:  # closed, it leaves
        with contextlib.suppress(Exception):  # whatever is gone already: the others are to be left whole
            view.close()
    _open.clear()
    with contextlib.suppress(Exception):
        sys.stdout.flush()  # a kernel's returns once all is sent that its thread for outputs was given


def _hook() -> None:
    global _hooked
    if _hooked:
        return
    _hooked = True
    atexit.register(close)
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if shell is not None:
        shell.events.register("post_run_cell", settle)
