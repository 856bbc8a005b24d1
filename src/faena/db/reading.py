"""Reads on threads of their own, with a limit to what one may take."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from contextvars import copy_context
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from faena.db.contract import Backend
from faena.db.counts import Counts
from faena.db.deadlines import VARIABLE
from faena.db.hiding import ASKER, View
from faena.db.transactions import Read

T = TypeVar("T")

LIMIT_S = 60.0
"""Seconds that a read may take: less than whoever asked waits for the answer."""


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
        self,
        backend: Backend,
        count: int,
        limit: float,
        translated: Callable[[BaseException], BaseException],
        counts: Counts,
    ) -> None:
        """`translated`: from errors of the database to ours. Beside `count` threads one more reads what comes first."""
        self._backend = backend
        self._any = ThreadPoolExecutor(count, thread_name_prefix="db-read")
        self._first = ThreadPoolExecutor(1, thread_name_prefix="db-read-first")
        self._limit = limit
        self._translated = translated
        self._counts = counts

    def submit(self, work: Callable[[Read], T], *, first: bool = False, unlimited: bool = False) -> Future[T]:
        pool = self._first if first else self._any
        return pool.submit(copy_context().run, self._counted, time.perf_counter(), work, unlimited=unlimited)

    def _counted(self, asked: float, work: Callable[[Read], T], *, unlimited: bool) -> T:
        began, failed = time.perf_counter(), True
        try:
            found = self.perform(work, unlimited=unlimited)
            failed = False
            return found
        finally:
            self._counts.read(began - asked, time.perf_counter() - began, failed=failed)

    def perform(self, work: Callable[[Read], T], *, unlimited: bool = False) -> T:
        """On the calling thread. Raises QueryTimedOut."""
        try:
            try:
                return self._perform(work, unlimited=unlimited)
            except DBAPIError as error:
                is_back = self._backend.is_away(error) and self._backend.returns(self._limit)
                if not is_back and not self._backend.is_passing(error):
                    raise
            return self._perform(work, unlimited=unlimited)
        except (DBAPIError, sqlite3.Error) as error:
            raise self._translated(error) from error

    def close(self) -> None:
        self._any.shutdown()
        self._first.shutdown()

    def _perform(self, work: Callable[[Read], T], *, unlimited: bool) -> T:
        view, seconds = self._view(), None if unlimited else self._limit
        with self._connection(view) as connection, self._backend.moment(connection, seconds) as check:
            return work(Read(connection, check, view))

    def _view(self) -> View | None:
        """What whoever asks may see; None: everything, as it is."""
        if (asker := ASKER.get()) is None or asker.find is None:
            return None
        with self._backend.reading.connect() as connection, self._backend.moment(connection):
            return asker.find(Read(connection))

    def _connection(self, view: View | None) -> AbstractContextManager[sa.Connection]:
        if view is not None and view.hidden:
            return self._backend.hiding(view.hidden)
        return self._backend.reading.connect()
