"""Ends what has read for too long."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

from faena.kernel.errors import QueryTimedOut

VARIABLE = "FAENA_READ_SECONDS"
_LOOK_S = 0.25
_REST_S = 5.0

C = TypeVar("C")


class Deadlines(Generic[C]):
    """Interrupts what is over its time. One thread looks at all reads, and rests while there are none."""

    def __init__(self, interrupt: Callable[[C], None]) -> None:
        """`interrupt`: end what a connection of the driver is at, from another thread."""
        self._interrupt = interrupt
        self._lock = threading.Lock()
        self._running: dict[object, tuple[float, C]] = {}
        self._wanted = threading.Event()
        self._closed = False
        self._thread: threading.Thread | None = None

    @contextmanager
    def kept(
        self, connection: C, seconds: float, is_interrupt: Callable[[BaseException], bool]
    ) -> Iterator[Callable[[], None]]:
        """While a read goes on; gives what raises QueryTimedOut once it is over its time."""
        deadline = time.monotonic() + seconds
        key = object()
        with self._lock:
            self._running[key] = (deadline, connection)
        if not self._wanted.is_set():
            self._begin_to_look()
        try:
            yield checking(deadline, seconds)
        except Exception as error:
            if is_interrupt(error):
                raise timed_out(seconds) from error
            raise
        finally:
            with self._lock:  # after this it interrupts nobody who has the connection next
                del self._running[key]

    def close(self) -> None:
        self._closed = True
        self._wanted.set()
        if self._thread is not None:
            self._thread.join()

    def _begin_to_look(self) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._look_forever, name="db-limit", daemon=True)
                self._thread.start()
        self._wanted.set()

    def _look_forever(self) -> None:
        seen = 0.0
        while True:
            self._wanted.wait()
            if self._closed:
                return
            time.sleep(_LOOK_S)
            now = time.monotonic()
            with self._lock:
                for deadline, connection in self._running.values():
                    if now > deadline:
                        self._interrupt(connection)
                if self._running:
                    seen = now
                elif now - seen > _REST_S and not self._closed:
                    self._wanted.clear()


def checking(deadline: float, seconds: float) -> Callable[[], None]:
    """What raises QueryTimedOut from the deadline on, which `seconds` before was in the future."""

    def check() -> None:
        if time.monotonic() > deadline:
            raise timed_out(seconds)

    return check


def timed_out(seconds: float) -> QueryTimedOut:
    return QueryTimedOut(
        f"The workspace's database was read for {seconds:g} s without coming to an end, and the server gave up. Ask "
        f"for less: name an experiment, a shorter time or fewer runs. {VARIABLE} in the environment of the server "
        "allows more."
    )
