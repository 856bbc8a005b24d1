"""Large files that go to the bucket while they come here, each the last of its parts when all are the digest's.

What was sent so need not be sent when it is kept. Where that does not work out, it is sent then: no more than time is
lost.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future
from pathlib import Path
from typing import Protocol

from faena.kernel.errors import FaenaError

SENT_AHEAD = 16 << 20
"""Bytes from which a file is sent so."""
_PART = 4 << 20
_SILENT_S = 60.0
"""Seconds without more of it, after which it is given up."""
_AT_ONCE = 8


class Put(Protocol):
    """Puts an object of these parts, at their end. Raises what `parts` raises, with nothing put."""

    def __call__(self, digest: str, parts: Iterator[bytes]) -> None: ...


class _GivenUp(Exception):
    pass


class Sending:
    """Of one file, which is read by a thread of its own."""

    def __init__(
        self, digest: str, path: Path, size: int, put: Put, close: Callable[[Sending], None]
    ) -> None:
        self.digest = digest
        self._size = size
        self._put = put
        self._closing = close
        self._news = threading.Condition()
        self._come = 0
        self._stopped = False
        self._found: Future[str] = Future()
        """The digest of the whole; cancelled where it is given up before."""
        self._done: Future[bool] = Future()
        self._file = path.open("rb", buffering=0)

    def more(self, come: int) -> None:
        """So many bytes are in the file, and stay what they are."""
        with self._news:
            self._come = come
            self._news.notify_all()

    def found(self) -> str | None:
        """The digest of the file, once it is read as a whole; None where it was given up before."""
        try:
            return self._found.result()
        except CancelledError:
            return None

    def is_put(self, size: int) -> bool:
        """Whether the bucket has all, of which so many bytes have come; waits for that."""
        if self._come != size or size != self._size:
            self.close()
        return self._done.result()

    def close(self) -> None:
        """What has not been put yet is given up."""
        with self._news:
            self._stopped = True
            self._news.notify_all()
        self._closing(self)

    def run(self) -> None:
        try:
            self._put(self.digest, self._parts())
            self._done.set_result(True)
        except (_GivenUp, FaenaError, OSError):
            self._done.set_result(False)
        except BaseException:
            self._done.set_result(False)
            raise
        finally:
            self._found.cancel()
            self._file.close()
            if not self._done.result():
                self._closing(self)

    def _parts(self) -> Iterator[bytes]:
        hasher = hashlib.sha256()
        for start in range(0, self._size, _PART):
            end = min(start + _PART, self._size)
            self._wait_for(end)
            data = os.pread(self._file.fileno(), end - start, start)
            hasher.update(data)
            if end == self._size:
                self._found.set_result(hasher.hexdigest())
                if hasher.hexdigest() != self.digest:
                    raise _GivenUp
            yield data

    def _wait_for(self, end: int) -> None:
        with self._news:
            while self._come < end or self._stopped:
                before = self._come
                if self._stopped or not (self._news.wait(_SILENT_S) or self._come > before):
                    raise _GivenUp


class Sendings:
    """Of one store. At most eight at once; none of them is needed. `is_here`: by its digest, what is sent already."""

    def __init__(self, put: Put, is_here: Callable[[str], bool]) -> None:
        self._put = put
        self._is_here = is_here
        self._lock = threading.Lock()
        self._going: dict[str, Sending] = {}

    def begin(self, digest: str, path: Path, size: int) -> Sending | None:
        """None where it is not large, is here or on its way, or too many are. Whoever has it closes it."""
        if size < SENT_AHEAD or self._is_here(digest):
            return None
        with self._lock:
            if digest in self._going or len(self._going) >= _AT_ONCE:
                return None
            sending = self._going[digest] = Sending(digest, path, size, self._put, self._close)
        threading.Thread(target=sending.run, name="sending", daemon=True).start()
        return sending

    def is_put(self, digest: str, size: int) -> bool:
        """Whether the file that is about to be kept was sent while it came."""
        with self._lock:
            sending = self._going.get(digest)
        return sending is not None and sending.is_put(size)

    def forget(self, digest: str) -> None:
        """The object goes."""
        with self._lock:
            sending = self._going.get(digest)
        if sending is not None:
            sending.close()

    def _close(self, sending: Sending) -> None:
        with self._lock:
            if self._going.get(sending.digest) is sending:
                del self._going[sending.digest]
