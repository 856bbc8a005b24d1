"""Waiting for something with a deadline, instead of sleeping and hoping."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
_OFTEN, _SELDOM = 0.01, 0.05
"""Seconds between looks: what has not come within half a second takes long, and every look may be a request."""


def until(look: Callable[[], T], what: str, *, seconds: float = 120.0) -> T:
    """The first true answer of `look`. Raises AssertionError naming `what` after `seconds`."""
    began = time.monotonic()
    while not (found := look()):
        waited = time.monotonic() - began
        if waited > seconds:
            raise AssertionError(f"after {seconds:g} s still not: {what}")
        time.sleep(_OFTEN if waited < 0.5 else _SELDOM)
    return found
