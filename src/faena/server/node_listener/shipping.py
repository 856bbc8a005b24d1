"""How seldom attempts that nobody watches are to send what they write: the more of them send, the seldomer."""

from __future__ import annotations

from faena.kernel.clock import Clock

_A_SECOND = 40.0
"""Batches of all of them together. One costs some milliseconds, which hardly grow with what is in it."""
_LONGEST = 10.0
_WINDOW = 15.0
"""Seconds in which each that still sends has sent: more than the longest pause with its jitter."""


class Shipping:
    """Knows who has sent lately. Belongs to one event loop."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._began = clock.monotonic()
        self._before: set[str] = set()
        self._now: set[str] = set()

    def pace(self, attempt: str, least: float) -> float:
        """Seconds until `attempt`, which is sending, is to send again; `least`: what it is at any rate."""
        if (now := self._clock.monotonic()) - self._began > _WINDOW:
            self._began, self._before, self._now = now, self._now, set()
        self._now.add(attempt)
        return max(least, min(_LONGEST, len(self._now | self._before) / _A_SECOND))
