"""What a database's threads have done since it was opened, for whoever watches the server."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Counts:
    commits: int = 0
    """Groups of requests that were committed together."""
    writes: int = 0
    """Requests in them."""
    write_seconds: float = 0.0
    """Of their transactions, from the first statement to the end of the commit."""
    failed_commits: int = 0
    reads: int = 0
    read_seconds: float = 0.0
    waited_seconds: float = 0.0
    """For which reads waited for a thread."""
    failed_reads: int = 0
    waiting_writes: Callable[[], int] = lambda: 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    """For reads, which several threads do; one thread writes."""

    def read(self, waited: float, seconds: float, *, failed: bool) -> None:
        with self._lock:
            self.reads += 1
            self.waited_seconds += waited
            self.read_seconds += seconds
            self.failed_reads += failed

    def wrote(self, requests: int, seconds: float) -> None:
        self.commits += 1
        self.writes += requests
        self.write_seconds += seconds
