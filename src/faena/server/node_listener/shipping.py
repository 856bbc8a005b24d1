"""How seldom attempts that nobody watches are to send what they write: the more of them send, the seldomer, and the
seldomer still while the server has much to do.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from faena.kernel.clock import Clock

_A_SECOND = 40.0
"""Batches of all of them together. One costs some milliseconds, which hardly grow with what is in it."""
_LEAST = 15.0
"""However busy the server is."""
_BUSY = 0.6
"""Of one processor, which is all that an interpreter has: a server that uses more has fewer batches sent, since whoever
opens a page waits behind them. By then an answer takes more than twice the time that the work for it does."""
_SPARE = 0.45
"""A server that uses less has more of them sent again."""
_LONGEST = 10.0
_WINDOW = 15.0
"""Seconds in which each that still sends has sent: more than the longest pause with its jitter."""
_LOOK = 5.0
"""Seconds between looks at how busy the server is."""
_STEP = 1.25


class Shipping:
    """Knows who has sent lately. Belongs to one event loop. `used`: processor seconds of this process so far."""

    def __init__(self, clock: Clock, used: Callable[[], float] = time.process_time) -> None:
        self._clock = clock
        self._used = used
        self._began = self._looked = clock.monotonic()
        self._before: set[str] = set()
        self._now: set[str] = set()
        self._rate, self._used_before = _A_SECOND, used()

    def pace(self, attempt: str, least: float) -> float:
        """Seconds until `attempt`, which is sending, is to send again; `least`: what it is at any rate."""
        now = self._clock.monotonic()
        if now - self._began > _WINDOW:
            self._began, self._before, self._now = now, self._now, set()
        if now - self._looked > _LOOK:
            self._look(now)
        self._now.add(attempt)
        return max(least, min(_LONGEST, len(self._now | self._before) / self._rate))

    def _look(self, now: float) -> None:
        used = self._used()
        share = (used - self._used_before) / (now - self._looked)
        self._looked, self._used_before = now, used
        if share > _BUSY:
            self._rate = max(_LEAST, self._rate / _STEP)
        elif share < _SPARE:
            self._rate = min(_A_SECOND, self._rate * _STEP)
