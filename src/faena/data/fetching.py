"""Of several processes that miss the same data one fetches it, and the others wait."""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_LOCK = ".lock"


@contextmanager
def locked(folder: Path, report: Callable[[str], None], what: str) -> Iterator[None]:
    """Hold the folder's lock; who has to wait is told so. Raises OSError."""
    with (folder / _LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            report(f"{what}: waiting for another process that is fetching it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
