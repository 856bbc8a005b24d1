"""What this process takes of its host, and how late its event loop is."""

from __future__ import annotations

import resource
import time
from pathlib import Path

from msgspec import Struct

STARTED = time.time()


class Process(Struct, frozen=True):
    cpu_seconds: float
    resident_bytes: int
    """0 where the system does not tell."""
    descriptors: int


def look() -> Process:
    used = resource.getrusage(resource.RUSAGE_SELF)
    try:
        pages = int(Path("/proc/self/statm").read_bytes().split()[1])
        descriptors = sum(1 for _ in Path("/proc/self/fd").iterdir())
    except (OSError, IndexError, ValueError):
        pages = descriptors = 0
    return Process(used.ru_utime + used.ru_stime, pages * resource.getpagesize(), descriptors)


class LoopLag:
    """How late the event loop was with what it was to do once a second, which it does anyway."""

    def __init__(self) -> None:
        self.seconds = 0.0
        """Of all looks together."""
        self.looks = 0
        self._worst = 0.0

    def late(self, seconds: float) -> None:
        self.looks += 1
        self.seconds += max(0.0, seconds)
        self._worst = max(self._worst, seconds)

    def worst(self) -> float:
        """Since this was asked last."""
        found, self._worst = self._worst, 0.0
        return found
