"""Waiting for something with a deadline, instead of sleeping and hoping."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
_OFTEN, _SELDOM = 0.01, 0.05
"""Seconds between looks, at first and later: every look may be a request."""
_PART = 1 / 8
"""Of the time waited so far, that may be lost by not looking."""


def until(look: Callable[[], T], what: str, *, seconds: float = 120.0) -> T:
    """The first true answer of `look`. Raises AssertionError naming `what` after `seconds`."""
    began = time.monotonic()
    while not (found := look()):
        waited = time.monotonic() - began
        if waited > seconds:
            raise AssertionError(f"after {seconds:g} s still not: {what}")
        time.sleep(min(max(_OFTEN, waited * _PART), _SELDOM))
    return found
