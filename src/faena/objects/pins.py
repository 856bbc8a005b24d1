"""What was put lately, which nobody deletes: who put it has not said yet what refers to it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from faena.objects.contract import PINNED_S


class Pins:
    """`clock`: seconds that only grow."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._pinned: dict[str, float] = {}
        """When each digest was last put: between a look whether it is here and its deletion no put may come."""

    def pin(self, digest: str) -> None:
        with self._lock:
            self._unpin_old()
            self._pinned.pop(digest, None)
            self._pinned[digest] = self._clock()

    def remove(self, digest: str, path: Path) -> bool:
        """Whether it is not pinned; the file is gone then."""
        with self._lock:
            self._unpin_old()
            if digest in self._pinned:
                return False
            path.unlink(missing_ok=True)
        return True

    def _unpin_old(self) -> None:
        now = self._clock()
        while self._pinned:
            oldest = next(iter(self._pinned))  # in the order in which they were put last
            if now - self._pinned[oldest] < PINNED_S:
                return
            del self._pinned[oldest]
