"""What happens to an object in the bucket happens one after the other."""

from __future__ import annotations

import threading
from weakref import WeakValueDictionary


class Turns:
    """Of this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._turns: WeakValueDictionary[str, _Turn] = WeakValueDictionary()

    def of(self, digest: str) -> _Turn:
        with self._lock:
            return self._turns.setdefault(digest, _Turn())


class _Turn:
    """A lock that can be referred to weakly."""

    def __init__(self) -> None:
        self._lock = threading.RLock()

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()
