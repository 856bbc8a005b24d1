"""The one thread that writes, in groups: what waits while one commit is synced is committed together by the next."""

from __future__ import annotations

import logging
import queue
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from contextvars import copy_context
from typing import Any, Generic, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from faena.db import savepoints
from faena.db.contract import Backend
from faena.db.counts import Counts
from faena.db.deeds import DEED
from faena.db.savepoints import TransactionLost
from faena.db.transactions import Write
from faena.kernel.errors import WriterStopped

T = TypeVar("T")

_log = logging.getLogger(__name__)

_GROUP = 256
"""Requests committed together at most: bounds how long the first of them waits for the last."""
_TRIES = 3
"""Times that a group is done, where what fails passes."""
AWAY_S = 60.0
"""Seconds that those who write wait for a database that does not answer: less than clients wait for an answer."""
_FAILURES = 3
"""Commits that fail, one after the other, by what is no error of the database, until the thread gives up."""


class _Passing(Exception):
    """Nothing was kept because of this error, and the same may succeed at once."""

    def __init__(self, error: DBAPIError) -> None:
        super().__init__()
        self.error = error


class _Away(Exception):
    """The database does not answer. `committing`: whether all was done, so that it may be kept."""

    def __init__(self, error: DBAPIError, *, committing: bool) -> None:
        super().__init__()
        self.error = error
        self.committing = committing


class _Request(Generic[T]):
    def __init__(self, work: Callable[[Write], T]) -> None:
        self.work = work
        self.future: Future[T] = Future()
        self.topics: set[str] = set()
        self._context = copy_context()
        self._deed = DEED.get()
        self.outcome: T
        self.failure: BaseException | None = None

    def perform(self, connection: sa.Connection) -> None:
        write = Write(connection)
        self.failure = None
        try:
            self.outcome = self._context.run(self.work, write)
            if self._deed is not None:
                self._deed.tell(write, self)
            self.topics = write.topics
        except TransactionLost as lost:
            self.failure = lost.cause
        except BaseException as error:  # noqa: BLE001  handed to whoever waits for the future
            self.failure = error

    def settle(self, translated: Callable[[BaseException], BaseException]) -> None:
        if self.failure:
            self._forget()
            self.future.set_exception(translated(self.failure))
        else:
            self.future.set_result(self.outcome)

    def fail(self, error: BaseException) -> None:
        """Unless somebody has been told already what became of it."""
        if not self.future.done():
            self._forget()
            self.future.set_exception(error)

    def _forget(self) -> None:
        if self._deed is not None:
            self._deed.forget(self)


class Writer:
    """`translated`: from errors of the database to ours. `on_commit` gets the topics of each committed group."""

    def __init__(
        self,
        backend: Backend,
        translated: Callable[[BaseException], BaseException],
        on_commit: Callable[[set[str]], None] | None,
        counts: Counts,
    ) -> None:
        self._counts = counts
        self._backend = backend
        self._translated = translated
        self._on_commit = on_commit
        self._failures = 0
        self._requests: queue.SimpleQueue[_Request[Any] | None] = queue.SimpleQueue()
        counts.waiting_writes = self._requests.qsize
        self.stopped: WriterStopped | None = None
        """Why nothing is written any more, once that is so."""
        self._thread = threading.Thread(target=self._run, name="db-write", daemon=True)
        self._thread.start()

    def submit(self, work: Callable[[Write], T]) -> Future[T]:
        request = _Request(work)
        self._requests.put(request)
        return request.future

    def close(self) -> None:
        """Finish what was submitted."""
        self._requests.put(None)
        self._thread.join()

    def _run(self) -> None:
        try:
            self._write_until_closed()
        except BaseException as error:  # noqa: BLE001  whatever it is, nobody may wait for ever
            self.stopped = error if isinstance(error, WriterStopped) else _defect(error)
            _log.critical("the writer of the database stops", exc_info=error)
            while (request := self._requests.get()) is not None:  # nobody waits for what nobody does
                request.fail(self.stopped)

    def _write_until_closed(self) -> None:
        with self._backend.writing.connect() as connection:
            last = False
            while not last:
                group, last = self._next_group()
                live = [request for request in group if request.future.set_running_or_notify_cancel()]
                if live:
                    self._write(connection, live)

    def _next_group(self) -> tuple[list[_Request[Any]], bool]:
        group: list[_Request[Any]] = []
        request = self._requests.get()
        while request is not None:
            group.append(request)
            if len(group) == _GROUP:
                return group, False
            try:
                request = self._requests.get_nowait()
            except queue.Empty:
                return group, False
        return group, True

    def _write(self, connection: sa.Connection, group: list[_Request[Any]]) -> None:
        """Commit a group and say so. Raises where the thread cannot go on; who waits has heard of it then."""
        began = time.perf_counter()
        try:
            self._commit(connection, group)
            self._counts.wrote(len(group), time.perf_counter() - began)
            for request in group:
                request.settle(self._translated)
        except BaseException as error:  # noqa: BLE001  as above
            self._counts.failed_commits += 1
            for request in group:
                request.fail(self._told(error))
            self._recover(connection, error)
            return
        self._failures = 0
        self._tell(_topics(group))

    def _told(self, error: BaseException) -> BaseException:
        try:
            return self._translated(error)
        except Exception:  # noqa: BLE001  the cause is what counts
            return error

    def _recover(self, connection: sa.Connection, error: BaseException) -> None:
        if isinstance(error, WriterStopped):
            raise error
        if not isinstance(error, (DBAPIError, sqlite3.Error)):
            _log.error("a commit failed", exc_info=error)
            self._failures += 1
            if self._failures >= _FAILURES:
                raise error
        if connection.in_transaction():
            connection.rollback()

    def _tell(self, topics: set[str]) -> None:
        if topics and self._on_commit:
            try:
                self._on_commit(topics)
            except Exception:  # noqa: BLE001  whoever waits looks again by itself after a while
                _log.exception("who waits for %d topics could not be woken", len(topics))

    def _commit(self, connection: sa.Connection, group: list[_Request[Any]]) -> None:
        """Do it again where nothing was kept because of something that passes, or while the database was away."""
        tries, until = _TRIES, time.monotonic() + AWAY_S
        while True:
            try:
                self._commit_once(connection, group)
                return
            except _Passing as passing:
                tries -= 1
                if not tries:
                    raise passing.error from None
                _log.info("a transaction is done again: %s", _in_short(passing.error))
                if connection.in_transaction():
                    connection.rollback()
            except _Away as away:
                _log.warning("the database does not answer: %s", _in_short(away.error))
                if self._is_kept(connection, away, until):
                    return

    def _is_kept(self, connection: sa.Connection, away: _Away, until: float) -> bool:
        """Whether the database has what was to be committed, once it answers again. Raises where it does not."""
        with suppress(DBAPIError):  # there may be nobody to be told
            if connection.in_transaction():
                connection.rollback()
            connection.invalidate()  # what answers next may be another server
        while (left := until - time.monotonic()) > 0 and self._backend.returns(left):
            try:
                has_last = self._backend.has_last()
            except DBAPIError as error:
                if self._backend.is_away(error):
                    continue
                raise away.error from error
            _log.info("the database answers again")
            return away.committing and has_last
        raise away.error from None

    def _commit_once(self, connection: sa.Connection, group: list[_Request[Any]]) -> None:
        committing = False
        try:
            with self._backend.transaction(connection) as transaction:
                if len(group) == 1:
                    self._perform(connection, group[0])
                    if group[0].failure:
                        self._backend.give_up(connection, transaction)
                else:
                    for request in group:
                        self._perform_apart(connection, request)
                if any(request.failure is None for request in group):
                    self._backend.finish(connection, _topics(group))
                committing = True
        except DBAPIError as error:
            if self._backend.is_away(error):
                raise _Away(error, committing=committing) from error
            if self._backend.is_passing(error, committing=committing):
                raise _Passing(error) from error
            raise

    def _perform(self, connection: sa.Connection, request: _Request[Any]) -> None:
        request.perform(connection)
        if request.failure:
            self._look(request.failure)

    def _look(self, failure: BaseException) -> None:
        """Raises what may not be met when it is done again."""
        if self._backend.is_passing(failure) or self._backend.is_away(failure):
            raise failure

    def _perform_apart(self, connection: sa.Connection, request: _Request[Any]) -> None:
        """In a savepoint, so that the failure of one request takes nothing of its neighbours with it."""
        savepoints.begin(connection)
        self._perform(connection, request)
        if not request.failure:
            try:
                savepoints.keep(connection)
                return
            except DBAPIError as error:  # of a statement that nobody waited for
                request.failure = error
                self._look(error)
        savepoints.take_back(connection, request.failure)


def _defect(error: BaseException) -> WriterStopped:
    return WriterStopped(
        f"The server cannot write to its database any more ({type(error).__name__}: {error}) and leaves; the "
        "next command starts another one. Its log says more. What was acknowledged is kept."
    )


def _topics(group: list[_Request[Any]]) -> set[str]:
    return set().union(*(request.topics for request in group if request.failure is None))


def _in_short(error: DBAPIError) -> str:
    return " ".join(str(error.orig).split())[:300]
