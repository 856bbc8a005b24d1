"""What was put lately, which nobody deletes: who put it has not said yet what refers to it."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

from faena.objects.contract import PINNED_S


class Pins:
    """`clock`: seconds that only grow."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._pinned: OrderedDict[str, float] = OrderedDict()
        """When each digest was last put: between a look whether it is here and its deletion no put may come.

        The one put longest ago is first; a plain dict finds its first by passing over all that went before it.
        """
        self._held: dict[str, list[float]] = {}
        """Since when, by each who holds one."""

    def pin(self, digest: str) -> None:
        with self._lock:
            self._unpin_old()
            self._pinned[digest] = self._clock()
            self._pinned.move_to_end(digest)

    def hold(self, digest: str) -> None:
        """As `pin`, until it is released: by whoever says soon what refers to it."""
        with self._lock:
            self._held.setdefault(digest, []).append(self._clock())

    def release(self, digest: str) -> None:
        """Silent where nobody holds it."""
        with self._lock:
            self._held.get(digest, [0.0]).pop()
            if not self._held.get(digest, True):
                del self._held[digest]

    def is_kept(self, digest: str) -> bool:
        with self._lock:
            self._unpin_old()
            return digest in self._pinned or self._is_held(digest)

    def remove(self, digest: str, path: Path) -> bool:
        """Whether it is not pinned; the file is gone then."""
        with self._lock:
            self._unpin_old()
            if digest in self._pinned or self._is_held(digest):
                return False
            path.unlink(missing_ok=True)
        return True

    def _is_held(self, digest: str) -> bool:
        """Whoever has held it for so long has failed to release it."""
        since = self._clock() - PINNED_S
        return any(at > since for at in self._held.get(digest, ()))

    def _unpin_old(self) -> None:
        now = self._clock()
        while self._pinned:
            oldest = next(iter(self._pinned))  # in the order in which they were put last
            if now - self._pinned[oldest] < PINNED_S:
                return
            del self._pinned[oldest]
