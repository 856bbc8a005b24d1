"""How long requests wait for others to make a batch with."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable

from faena.scoring.pending import Pending

_AT_ONCE = 0.0005
"""Seconds that are not worth a timer."""


class BatchHold:
    """`longest`: seconds that the first of them waits. `look`: called when its time is over."""

    def __init__(self, longest: float, look: Callable[[], None]) -> None:
        self._longest = longest
        self._look = look
        self._timer: asyncio.TimerHandle | None = None

    def over(self, queue: deque[Pending], most: int) -> bool:
        """Whether a batch of at most `most` goes now; otherwise `look` is called in time."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if len(queue) >= most or not self._longest:
            return True
        left = queue[0].request.received + self._longest - time.monotonic()
        if left <= _AT_ONCE:
            return True
        self._timer = asyncio.get_running_loop().call_later(left, self._look)
        return False
