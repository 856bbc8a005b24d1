"""Reads on threads of their own, with a limit to what one may take."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import sqlalchemy as sa

from faena.db.connecting import connect
from faena.db.transactions import Read
from faena.kernel.errors import QueryTimedOut

T = TypeVar("T")

LIMIT_S = 60.0
"""Seconds that a read may take: less than whoever asked waits for the answer."""
VARIABLE = "FAENA_READ_SECONDS"
_LOOK_S = 0.25
_REST_S = 5.0


def limit_of_environment() -> float:
    """Seconds, from the environment of the server; `LIMIT_S` where that says nothing that can be used."""
    try:
        given = float(os.environ.get(VARIABLE, ""))
    except ValueError:
        return LIMIT_S
    return given if given > 0 else LIMIT_S  # NaN is not


class Readers:
    """Some threads for whoever asks, and one that is kept for what must not wait for them."""

    def __init__(
        self, path: Path, count: int, limit: float, translated: Callable[[BaseException], BaseException]
    ) -> None:
        """`translated`: from errors of the database to ours."""
        self._engine = connect(path, begin="BEGIN", read_only=True, size=count + 1)
        self._any = ThreadPoolExecutor(count, thread_name_prefix="db-read")
        self._first = ThreadPoolExecutor(1, thread_name_prefix="db-read-first")
        self._deadlines = _Deadlines()
        self._limit = limit
        self._translated = translated

    def submit(self, work: Callable[[Read], T], *, first: bool = False, unlimited: bool = False) -> Future[T]:
        return (self._first if first else self._any).submit(self.perform, work, unlimited=unlimited)

    def perform(self, work: Callable[[Read], T], *, unlimited: bool = False) -> T:
        """On the calling thread. Raises QueryTimedOut."""
        try:
            with self._engine.connect() as connection:
                if unlimited:
                    return work(Read(connection))
                with self._deadlines.kept(connection, self._limit) as check:
                    return work(Read(connection, check))
        except (sa.exc.DBAPIError, sqlite3.Error) as error:
            raise self._translated(error) from error

    def close(self) -> None:
        self._any.shutdown()
        self._first.shutdown()
        self._deadlines.close()
        self._engine.dispose()


class _Deadlines:
    """Interrupts what is over its time. One thread looks at all reads, and rests while there are none."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: dict[object, tuple[float, sqlite3.Connection]] = {}
        self._wanted = threading.Event()
        self._closed = False
        self._thread: threading.Thread | None = None

    @contextmanager
    def kept(self, connection: sa.Connection, seconds: float) -> Iterator[Callable[[], None]]:
        """While a read goes on; gives what raises QueryTimedOut once it is over its time."""
        inner = connection.connection.driver_connection
        assert isinstance(inner, sqlite3.Connection)
        deadline = time.monotonic() + seconds
        key = object()

        def check() -> None:
            if time.monotonic() > deadline:
                raise _timed_out(seconds)

        with self._lock:
            self._running[key] = (deadline, inner)
        if not self._wanted.is_set():
            self._begin_to_look()
        try:
            yield check
        except Exception as error:
            if _is_interrupt(error):
                raise _timed_out(seconds) from error
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
                        connection.interrupt()
                if self._running:
                    seen = now
                elif now - seen > _REST_S and not self._closed:
                    self._wanted.clear()


def _is_interrupt(error: BaseException) -> bool:
    cause = error.orig if isinstance(error, sa.exc.DBAPIError) else error
    return getattr(cause, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT


def _timed_out(seconds: float) -> QueryTimedOut:
    return QueryTimedOut(
        f"The workspace's database was read for {seconds:g} s without coming to an end, and the server gave up. Ask "
        f"for less: name an experiment, a shorter time or fewer runs. {VARIABLE} in the environment of the server "
        "allows more."
    )
