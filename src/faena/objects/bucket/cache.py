"""How much of a bucket's objects lies in the folder: the least recently used files go where it is too much."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

_ROOM = 0.9
"""The part of the limit to which it is emptied, so that not each file that comes has all others looked at."""
RECENT_S = 60.0
"""Seconds for which what was used stays, whatever it takes: somebody is about to open it by its name."""
STAGED_S = 900.0
"""The same of what a node was told is there."""


class Cache:
    """Knows the files by digest. May be used from any thread. `clock`: seconds that only grow."""

    def __init__(self, folder: Path, limit: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder = folder
        self._limit = limit
        self._clock = clock
        self._lock = threading.Lock()
        self._until: dict[str, float] = {}
        """When each may go."""
        self._sizes: dict[str, int] = {}
        self._total = 0
        for path in sorted(folder.glob("??/*"), key=lambda each: each.stat().st_atime):
            self._add(path.name, path.stat().st_size, 0.0)

    @property
    def size(self) -> int:
        """Bytes."""
        return self._total

    def use(self, digest: str, size: int, seconds: float = RECENT_S) -> None:
        """It was put or brought, or somebody is about to read it."""
        with self._lock:
            until = max(self._until.pop(digest, 0.0), self._clock() + seconds)
            self._add(digest, size, until)
            if self._total > self._limit:
                self._make_room(int(self._limit * _ROOM))

    def empty(self) -> None:
        """Have all go that may: the disk is full."""
        with self._lock:
            self._make_room(0)

    def forget(self, digest: str) -> None:
        """Its file has gone."""
        with self._lock:
            self._drop(digest)

    def _add(self, digest: str, size: int, until: float) -> None:
        self._total += size - self._sizes.get(digest, 0)
        self._sizes[digest] = size
        self._until[digest] = until

    def _drop(self, digest: str) -> None:
        self._total -= self._sizes.pop(digest, 0)
        self._until.pop(digest, None)

    def _make_room(self, limit: int) -> None:
        now = self._clock()
        for digest, until in sorted(self._until.items(), key=lambda each: each[1]):
            if self._total <= limit or until > now:
                return
            (self._folder / digest[:2] / digest).unlink(missing_ok=True)
            self._drop(digest)
