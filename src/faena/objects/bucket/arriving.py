"""Large objects on their way from the bucket into the folder: whoever asks reads them as they come.

However many ask, an object comes once. The last of its bytes are held back until all have proved to be the digest's.
"""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import BinaryIO

from faena.kernel.errors import ObjectDamaged, StoreUnavailable

_HELD_BACK = 1 << 20
"""Bytes."""
_CHUNK = 1 << 20
_SILENT_S = 60.0
"""Seconds without a byte after which whoever reads is told; what comes goes on coming."""
_AT_ONCE = 16


class Arrival:
    """Of one object. Its file is written by one thread, and read by any."""

    def __init__(self) -> None:
        self.news = threading.Condition()
        self.size = -1
        """Of the object, as the bucket tells it; -1: it has not told yet."""
        self.descriptor = -1
        self.turn = 0
        """How often it began to come: other bytes came before, of which nothing counts."""
        self.come = 0
        self.done: Future[None] = Future()
        """Raises what kept it from coming."""

    def begin(self, descriptor: int, size: int) -> None:
        with self.news:
            self._close()
            self.descriptor, self.size = os.dup(descriptor), size
            self.turn += 1
            self.come = 0
            self.news.notify_all()

    def more(self, come: int) -> None:
        """So many bytes are in the file."""
        with self.news:
            self.come = come
            self.news.notify_all()

    def end(self, work: Callable[[], None]) -> None:
        """`work`: has it come; raises where it cannot."""
        try:
            work()
            self.done.set_result(None)
        except BaseException as error:  # noqa: BLE001  whoever reads is told
            self.done.set_exception(error)
        with self.news:
            self.news.notify_all()

    def wait_to_begin(self) -> None:
        """A small one is waited for. Raises what keeps it from coming, as far as that is known then."""
        with self.news:
            while not (self.size > _HELD_BACK or self.done.done()):
                self._wait()
        if self.done.done():
            self.done.result()

    def read(self, turn: int, offset: int, buffer: memoryview) -> tuple[int, int]:
        """Which turn they are of, and how many bytes are in the buffer then: one at least unless it ends there.

        Raises what kept them from coming, and StoreUnavailable where none comes for long.
        """
        with self.news:
            while True:
                if self.done.done():
                    self.done.result()
                    end = self.size
                else:
                    end = min(self.come, self.size - _HELD_BACK)
                if self.done.done() or end > offset or (turn and turn != self.turn):
                    break
                self._wait()
            descriptor = self.descriptor
            turn = self.turn
        most = max(0, min(len(buffer), end - offset))
        return turn, os.preadv(descriptor, [buffer[:most]], offset) if most else 0

    def _wait(self) -> None:
        before = self.come
        if not self.news.wait(_SILENT_S) and self.come == before and not self.done.done():
            raise StoreUnavailable(
                f"The bucket has sent nothing, or next to nothing, of an object for {_SILENT_S:.0f} s, after "
                f"{self.come:,} bytes of {max(0, self.size):,}. Try again later; what comes meanwhile is kept."
            )

    def _close(self) -> None:
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    def __del__(self) -> None:
        self._close()


class Arrivals:
    """Of one store. `bring`: has an object come, and tells of it, be it late; it blocks, and raises where it cannot."""

    def __init__(self, bring: Callable[[str, Arrival], None]) -> None:
        self._bring = bring
        self._lock = threading.Lock()
        self._coming: dict[str, Arrival] = {}
        self._pool: ThreadPoolExecutor | None = None

    def size(self, digest: str) -> int | None:
        """Bytes of an object that is on its way; None: it is not, or that is not known yet."""
        with self._lock:
            arrival = self._coming.get(digest)
        return arrival.size if arrival is not None and arrival.size >= 0 else None

    def open(self, digest: str, damaged: Callable[[], ObjectDamaged]) -> BinaryIO:
        """Its bytes as they come, from the first to the last. `damaged`: makes what is raised where others came."""
        with self._lock:
            arrival = self._coming.get(digest)
            if arrival is None:
                arrival = self._coming[digest] = Arrival()
                self._pool = self._pool or ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="arrival")
                self._pool.submit(self._come, digest, arrival)
        arrival.wait_to_begin()
        return Arriving(_Bytes(arrival, damaged), _CHUNK)

    def _come(self, digest: str, arrival: Arrival) -> None:
        try:
            arrival.end(lambda: self._bring(digest, arrival))
        finally:
            with self._lock:
                del self._coming[digest]


class Arriving(io.BufferedReader):
    """Who reads it may wait for long."""

    waits = True


class _Bytes(io.RawIOBase):
    def __init__(self, arrival: Arrival, damaged: Callable[[], ObjectDamaged]) -> None:
        self._arrival = arrival
        self._damaged = damaged
        self._turn = 0
        self._at = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # typeshed: any buffer
        turn, count = self._arrival.read(self._turn if self._at else 0, self._at, memoryview(buffer))
        if self._at and turn != self._turn:
            raise self._damaged()  # what we handed on was of other bytes
        self._turn = turn
        self._at += count
        return count
