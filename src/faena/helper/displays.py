"""What a notebook shows of runs, in the kernel of the other side: as HTML that is replaced."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from faena.notebook import display, open_views


def show_by(publish: Callable[[dict[str, Any], str, bool], None]) -> None:
    """`publish`: shows a bundle under an id, or puts it in the place of what has that."""
    display.elsewhere = publish


def settle() -> None:
    """At the end of a cell."""
    open_views.settle()


def close() -> None:
    """At the end of the kernel."""
    open_views.close()
