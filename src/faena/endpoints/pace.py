"""How often an endpoint is looked at: often while something new is on its way, and less so the longer it takes."""

from __future__ import annotations

import time
from collections.abc import Callable

_SOON, _LATER = 0.02, 0.5
"""Seconds; between them a tenth of how long it has been on its way."""
LOOK = 1.0


class Pace:
    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._since: dict[str, tuple[int, float]] = {}
        """The revision that is on its way, and when that was seen first."""

    def until_next(self, name: str, coming: int | None) -> float:
        """Seconds. `coming`: the revision that is on its way; None where there is none, or where nothing helps it."""
        if coming is None:
            self._since.pop(name, None)
            return LOOK
        now = self._monotonic()
        number, since = self._since.get(name, (None, now))
        if number != coming:
            self._since[name] = (coming, now)
            return _SOON
        return min(max(_SOON, (now - since) / 10), _LATER)
