"""How much of a bucket's objects lies in the folder: the least recently used files go where it is too much.

Several processes may have the folder. What they must know of each other is in the files' own times: until when a file
stays is its time of access, so that nobody keeps a list, and none grows. A lock keeps one from prolonging what another
is about to remove.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_ROOM = 0.9
"""The part of the limit to which it is emptied, so that not each file that comes has all others looked at."""
_UNSEEN = 0.05
"""The part of the limit that may come before the folder is looked at again: others put files there, too."""
_LOOK_S = 1.0
"""Seconds between looks, and the part of the limit that comes meanwhile, where all that is there has to stay."""
_LOOK_PART = 0.01
RECENT_S = 60.0
"""Seconds for which what was used stays, whatever it takes: somebody is about to open it by its name."""
STAGED_S = 900.0
"""The same of what a node was told is there."""
LOCK = "cache.lock"


class Cache:
    """May be used from any thread, and by several processes. `wall`: seconds of a clock that they share."""

    def __init__(self, folder: Path, limit: int, wall: Callable[[], float] = time.time) -> None:
        self._folder = folder
        self._limit = limit
        self._wall = wall
        self._turn = threading.Lock()
        """A lock of a file is this process's, not a thread's."""
        self._looking = threading.Lock()
        self._lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._come = 0
        """Bytes that this process has put there since it looked."""
        self._found = sum(size for _, size, _ in self._files())
        self._looked_at = wall()

    def __del__(self) -> None:
        with suppress(AttributeError, OSError):
            os.close(self._lock)

    @property
    def size(self) -> int:
        """Bytes, as far as this process knows."""
        return self._found + self._come

    def use(self, digest: str, seconds: float = RECENT_S) -> bool:
        """Somebody is about to read it. False: its file is not there, as it was removed or had not come."""
        path = f"{self._folder}/{digest[:2]}/{digest}"
        with self._turn, self._locked(fcntl.LOCK_SH):
            try:
                status = os.stat(path)  # noqa: PTH116  of a hundred thousand at once
                self._prolong(path, status, seconds)
            except OSError:
                return False
        return True

    def expect(self, file: int | str) -> None:
        """It is about to get its name. `file`: a descriptor or a path."""
        with suppress(OSError):
            status = os.stat(file)  # noqa: PTH116  as above
            self._prolong(file, status, RECENT_S)
            self._come += status.st_size

    def make_room(self) -> None:
        """As much as is too much by now; where another thread is about it, that one does it."""
        if self._is_to_look() and self._looking.acquire(blocking=False):
            try:
                self._look(int(self._limit * _ROOM), only_beyond=self._limit)
            finally:
                self._looking.release()

    def empty(self) -> None:
        """Have all go that may: the disk is full."""
        with self._looking:
            self._look(0)

    def _prolong(self, file: int | str, status: os.stat_result, seconds: float) -> None:
        now = self._wall()
        until = now + seconds
        if self._stays(status, now):
            until = max(until, status.st_atime)
        os.utime(file, ns=(int(until * 1e9), status.st_mtime_ns))

    def _stays(self, status: os.stat_result, now: float) -> bool:
        """A time further ahead is none of ours, or the clock was set back."""
        return now < status.st_atime <= now + STAGED_S

    def _is_to_look(self) -> bool:
        if self._come >= self._limit * _UNSEEN:
            return True
        if self.size <= self._limit:
            return False
        return self._come >= self._limit * _LOOK_PART or self._wall() >= self._looked_at + _LOOK_S

    def _look(self, limit: int, only_beyond: int = 0) -> None:
        """See what is there, and remove what was used longest ago."""
        self._come, self._looked_at = 0, self._wall()
        files = sorted(self._files())
        self._found = total = sum(size for _, size, _ in files)
        if total > only_beyond:
            for _, size, path in files:
                if total <= limit:
                    break
                if self._removed(path):
                    total -= size
        self._found = total

    def _removed(self, path: str) -> bool:
        """Whether it is gone: somebody may have asked for it since it was looked at."""
        with self._turn, self._locked(fcntl.LOCK_EX):
            try:
                if self._stays(os.stat(path), self._wall()):  # noqa: PTH116  as above
                    return False
                os.unlink(path)  # noqa: PTH108  as above
            except FileNotFoundError:
                return True
            except OSError:  # whatever somebody put there is no object
                return False
        return True

    def _files(self) -> Iterator[tuple[float, int, str]]:
        """When each may go, its size, its path."""
        for folder in os.scandir(self._folder):
            if len(folder.name) == 2:
                for entry in os.scandir(folder.path):
                    with suppress(OSError):  # gone meanwhile
                        status = entry.stat(follow_symlinks=False)
                        yield status.st_atime, status.st_size, entry.path

    @contextmanager
    def _locked(self, how: int) -> Iterator[None]:
        """Against other processes."""
        fcntl.flock(self._lock, how)
        try:
            yield
        finally:
            fcntl.flock(self._lock, fcntl.LOCK_UN)
