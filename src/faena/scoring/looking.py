"""Looks for the answer of a worker for a moment before the front sleeps, where one short request is all there is.

A core that sleeps is woken in tens of microseconds on a virtual machine: longer than a short request takes.
"""

from __future__ import annotations

import asyncio
import os
import platform
import selectors
import time
from collections.abc import Sized
from typing import Any, Protocol

from faena.scoring.worker import cores

_LONGEST = 0.0004
"""Seconds that are worth it."""
_MARGIN = 0.0001
_LOOKS = 16
"""At the memory, from one look at the sockets to the next."""
_SURE = 8
_PAUSE = 32
"""Lone requests that come and go without a look once looks were in vain."""


class Watched(Protocol):
    """A worker that has been sent something."""

    @property
    def sent(self) -> Sized: ...

    def look(self, looking: bool) -> None:
        """Have it say nothing of answers that it puts into the ring, or say it again."""

    def has_answers(self) -> bool: ...

    def found(self) -> None:
        """They are there; returns at once."""


def can_look() -> bool:
    """Whether the worker has a core of its own, and what it writes is seen in that order."""
    return platform.machine() in ("x86_64", "AMD64") and cores.available() >= 2


class Looking(selectors.DefaultSelector):
    """Told of each request that is sent alone (`expect`); no other costs more than before."""

    def __init__(self) -> None:
        super().__init__()
        self._watched: Watched | None = None
        """Who may have been told to say nothing, and has not been looked at since."""
        self._limit = 0.0
        self._credit = 0 if can_look() else None

    def expect(self, worker: Watched, seconds: float) -> None:
        """It has been sent one request, which is the only one, and takes about so long."""
        credit = self._credit
        if credit is None or seconds > _LONGEST - _MARGIN:
            return
        if credit < 0:
            self._credit = credit + 1
        elif self._watched is None or not self._watched.sent:
            self._watched = worker
            self._limit = seconds + _MARGIN

    def select(self, timeout: float | None = None) -> Any:
        watched = self._watched
        if watched is None or (timeout is not None and timeout <= 0):
            return super().select(timeout)
        waiting = len(watched.sent)
        if not waiting:
            self._watched = None
            return super().select(timeout)
        if waiting == 1:
            events = self._look(watched)
            if events is not None:
                return events
        # What it put into the ring while it was to say nothing, it has not told. Its write is seen by now: this side
        # has taken that order back, and been to the kernel since.
        self._watched = None
        events = super().select(0)
        if watched.has_answers():
            watched.found()
            return events
        return events or super().select(timeout)

    def _look(self, watched: Watched) -> Any:
        """What the sockets have, or nothing once the answer is there; None where neither came."""
        until = time.monotonic() + self._limit
        watched.look(True)
        try:
            while True:
                for _ in range(_LOOKS):
                    if watched.has_answers():
                        self._credit = min((self._credit or 0) + 1, _SURE)
                        watched.found()
                        return []
                events = super().select(0)
                if events:
                    return events
                if time.monotonic() > until:
                    self._credit = credit if (credit := (self._credit or 0) - 4) >= 0 else -_PAUSE
                    return None
                os.sched_yield()
        finally:
            watched.look(False)


class LookingLoop(asyncio.SelectorEventLoop):
    """The event loop of a front."""

    def __init__(self) -> None:
        self.looking = Looking()
        super().__init__(self.looking)
