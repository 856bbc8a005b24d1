"""SIGTERM and Ctrl-C: a node takes nothing new, gives its script the grace that it has, ships, and leaves."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

DRAINING = threading.Event()
"""Set once this process was asked to end."""
_waiting = False


class Interrupted(Exception):
    """While nothing was done but wait."""


def take() -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _drain)


@contextmanager
def waiting() -> Iterator[None]:
    """Around a wait of the main thread that ends, with Interrupted, when this process is asked to."""
    global _waiting
    _waiting = True
    try:
        if DRAINING.is_set():
            raise Interrupted
        yield
    finally:
        _waiting = False


def _drain(number: int, frame: FrameType | None) -> None:
    was_draining = DRAINING.is_set()
    DRAINING.set()
    if _waiting and not was_draining:
        raise Interrupted
