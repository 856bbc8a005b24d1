"""One writer thread with group commit; readers on connections that cannot write.

SQLite fails a transaction that reads first and writes after somebody else wrote, whatever the busy timeout.
So all writes go through one thread, in BEGIN IMMEDIATE transactions: what waits while one commit is synced to
disk is committed together by the next.
"""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Generic, TypeVar

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool, StaticPool

from faena.db import checking
from faena.db.failures import opening, translated
from faena.db.migrations import upgrade
from faena.db.schema import create, found_version
from faena.kernel import commit_record
from faena.kernel.commit_record import CommitRecord
from faena.kernel.errors import DatabaseDamaged

T = TypeVar("T")

_GROUP = 256
"""Requests committed together at most: bounds how long the first of them waits for the last."""


class Read:
    """A consistent view of the database. Valid inside the function that got it."""

    def __init__(self, connection: sa.Connection) -> None:
        self.connection = connection

    def execute(self, statement: sa.Executable, parameters: Any = None) -> sa.CursorResult[Any]:
        return self.connection.execute(statement, parameters)


class Write(Read):
    """A transaction that may change rows. Its topics ring once it is on disk."""

    def __init__(self, connection: sa.Connection) -> None:
        super().__init__(connection)
        self.topics: set[str] = set()

    def ring(self, topic: str) -> None:
        """Wake whoever waits for `topic`, after the commit; not at all when the transaction fails."""
        self.topics.add(topic)


class _Request(Generic[T]):
    def __init__(self, work: Callable[[Write], T]) -> None:
        self.work = work
        self.future: Future[T] = Future()
        self.topics: set[str] = set()
        self.outcome: T
        self.failure: BaseException | None = None

    def perform(self, connection: sa.Connection) -> None:
        write = Write(connection)
        try:
            self.outcome = self.work(write)
            self.topics = write.topics
        except BaseException as error:  # noqa: BLE001  handed to whoever waits for the future
            self.failure = error

    def settle(
        self,
        translated: Callable[[BaseException], BaseException],
        commit_failure: BaseException | None = None,
    ) -> None:
        if failure := self.failure or commit_failure:
            self.future.set_exception(translated(failure))
        else:
            self.future.set_result(self.outcome)


class Database:
    """A SQLite file. Acknowledged means on disk: WAL, synchronous=FULL.

    `on_commit` gets the topics of each group that was committed; it is called on the writer thread.
    Safe to use from any thread. Exactly one process may hold a file open for writing: the workspace's server.

    A file that is missing or empty is made, unless there was a database before, as its record
    (`kernel/commit_record.py`) or `traces`, what else shows that there was one, say: then it is DatabaseDamaged, as
    is one that is damaged or lacks commits that were acknowledged.
    """

    def __init__(
        self,
        path: Path,
        *,
        readers: int = 2,
        on_commit: Callable[[set[str]], None] | None = None,
        traces: str = "",
    ) -> None:
        self._on_commit = on_commit
        self._path = path
        self.damage: DatabaseDamaged | None = None
        """What is wrong with the file, once that was seen: nothing more should be done with it."""
        with opening(path):
            recorded = commit_record.read(path)
            checking.check(path, recorded, traces)
            upgrade(path)
            self._writing = _engine(path, begin="BEGIN IMMEDIATE", read_only=False, size=1)
            with self._writing.connect() as connection:
                with connection.begin():
                    if found_version(connection) is None:
                        create(connection)
                self._counted = CommitRecord(path, checking.commits(connection))
            self._file = _identity(path)
        self._reading = _engine(path, begin="BEGIN", read_only=True, size=readers)
        self._readers = ThreadPoolExecutor(readers, thread_name_prefix="db-read")
        self._requests: queue.SimpleQueue[_Request[Any] | None] = queue.SimpleQueue()
        self._writer = threading.Thread(target=self._write_forever, name="db-write", daemon=True)
        self._writer.start()

    def look(self) -> DatabaseDamaged | None:
        """What is wrong with the file as far as is known: also whether it is still where it was opened."""
        if self.damage is None and _identity(self._path) != self._file:
            self.damage = DatabaseDamaged(
                f"The workspace's database {self._path} was removed or replaced while the server had it open. What was "
                "written since is lost with it, if nobody has kept the file."
            )
        return self.damage

    def submit_write(self, work: Callable[[Write], T]) -> Future[T]:
        """Run `work` in a transaction of its own; the future settles when that is on disk.

        The future raises what `work` raised (nothing of it is kept then), or StorageFull.
        """
        request = _Request(work)
        self._requests.put(request)
        return request.future

    def submit_read(self, work: Callable[[Read], T]) -> Future[T]:
        """Run `work` on a consistent view that includes every write settled before the call."""
        return self._readers.submit(self._read, work)

    def look_up(self, work: Callable[[Read], T]) -> T:
        """Run `work` on a connection of its own and on the calling thread, such as one that reads or writes already."""
        return self._read(work)

    async def write(self, work: Callable[[Write], T]) -> T:
        return await asyncio.wrap_future(self.submit_write(work))

    async def read(self, work: Callable[[Read], T]) -> T:
        return await asyncio.wrap_future(self.submit_read(work))

    def close(self) -> None:
        """Finish what was submitted, then let go of the file."""
        self._requests.put(None)
        self._writer.join()
        self._readers.shutdown()
        self._reading.dispose()
        self._writing.dispose()
        self._counted.close()

    def _read(self, work: Callable[[Read], T]) -> T:
        try:
            with self._reading.connect() as connection:
                return work(Read(connection))
        except (DBAPIError, sqlite3.Error) as error:
            raise self._noted(error) from error

    def _noted(self, error: BaseException) -> BaseException:
        found = translated(error, self._path)
        if isinstance(found, DatabaseDamaged):
            self.damage = found
            self._counted.suspect()
        return found

    def _write_forever(self) -> None:
        with self._writing.connect() as connection:
            while True:
                group, last = self._next_group()
                if group:
                    self._commit(connection, group)
                if last:
                    return

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

    def _commit(self, connection: sa.Connection, group: list[_Request[Any]]) -> None:
        live = [request for request in group if request.future.set_running_or_notify_cancel()]
        counted = self._counted.commits
        try:
            with connection.begin() as transaction:
                inner = connection.connection.driver_connection
                assert isinstance(inner, sqlite3.Connection)
                before = inner.total_changes
                if len(live) == 1:
                    live[0].perform(connection)
                    if live[0].failure:
                        transaction.rollback()
                else:
                    for request in live:
                        _perform_apart(connection, request)
                if transaction.is_active and inner.total_changes != before:
                    counted = self._counted.next()
                    inner.execute(f"PRAGMA user_version={counted}")
        except (DBAPIError, sqlite3.Error) as error:
            for request in live:
                request.settle(self._noted, error)
            return
        self._counted.acknowledge(counted)
        topics = set().union(*(request.topics for request in live))
        for request in live:
            request.settle(self._noted)
        if topics and self._on_commit:
            self._on_commit(topics)


def _identity(path: Path) -> tuple[int, int] | None:
    """Which file it is; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _perform_apart(connection: sa.Connection, request: _Request[Any]) -> None:
    """In a savepoint, so that the failure of one request takes nothing of its neighbours with it."""
    connection.exec_driver_sql("SAVEPOINT request")
    request.perform(connection)
    if request.failure:
        connection.exec_driver_sql("ROLLBACK TO request")
    connection.exec_driver_sql("RELEASE request")


def _engine(path: Path, *, begin: str, read_only: bool, size: int) -> sa.Engine:
    engine = sa.create_engine(
        sa.URL.create("sqlite", database=str(path)),
        poolclass=StaticPool if size == 1 else QueuePool,
        connect_args={"check_same_thread": False},
        **({} if size == 1 else {"pool_size": size}),
    )

    @event.listens_for(engine, "connect")
    def configure(connection: sqlite3.Connection, _: object) -> None:
        connection.isolation_level = None  # transactions are ours to begin, below
        connection.execute("PRAGMA busy_timeout=10000")
        if read_only:
            connection.execute("PRAGMA query_only=ON")
            return
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")

    @event.listens_for(engine, "begin")
    def start(connection: sa.Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine
