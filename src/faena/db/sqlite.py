"""SQLite: a file that one process writes. Acknowledged means on disk: WAL, synchronous=FULL."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.pool import QueuePool, StaticPool

from faena.db import checking, hiding
from faena.db.contract import Backend
from faena.db.deadlines import Deadlines
from faena.db.failures import opening, translated
from faena.db.migrations import upgrade
from faena.db.schema import create, found_version
from faena.kernel import commit_record
from faena.kernel.commit_record import CommitRecord
from faena.kernel.errors import DatabaseDamaged, WriterStopped

_STATEMENTS = 256
"""That the driver keeps compiled: more than the 80 or so on a run's way."""


class Sqlite(Backend):
    """A transaction that reads first and writes after somebody else wrote fails at once, whatever the busy timeout.

    So all writes are BEGIN IMMEDIATE transactions.
    """

    def __init__(self, path: Path, *, readers: int, traces: str) -> None:
        """Raises DatabaseDamaged, WorkspaceException."""
        self._path = path
        with opening(path):
            recorded = commit_record.read(path)
            checking.check(path, recorded, traces)
            upgrade(path)
            self.writing = _connect(path, begin="BEGIN IMMEDIATE", read_only=False, size=1)
            with self.writing.connect() as connection:
                with connection.begin():
                    if found_version(connection) is None:
                        create(connection)
                self.counted = CommitRecord(path, checking.commits(connection))
            self._file = _identity(path)
        self._companions = [path.with_name(f"{path.name}-{each}") for each in ("wal", "shm")]
        self._beside: dict[Path, tuple[int, int]] = {}
        """Which files they are, of those that have been seen."""
        self.reading = _connect(path, begin="BEGIN", read_only=True, size=readers)
        self._hiding = _connect(path, begin="BEGIN", read_only=True, size=readers)
        event.listen(self._hiding, "connect", hiding.begin_on_sqlite, insert=True)
        self._deadlines = Deadlines(sqlite3.Connection.interrupt)

    @contextmanager
    def transaction(self, connection: sa.Connection) -> Iterator[sa.Transaction]:
        counted = self.counted.commits
        with connection.begin() as transaction:
            inner = _driver(connection)
            before = inner.total_changes
            yield transaction
            if transaction.is_active and inner.total_changes != before:
                counted = self.counted.next()
                inner.execute(f"PRAGMA user_version={counted}")
        self.counted.acknowledge(counted)

    def moment(
        self, connection: sa.Connection, seconds: float | None = None
    ) -> AbstractContextManager[Callable[[], None] | None]:
        if seconds is None:
            return nullcontext()
        return self._deadlines.kept(_driver(connection), seconds, _is_interrupt)

    @contextmanager
    def hiding(self, experiments: Collection[int]) -> Iterator[sa.Connection]:
        with self._hiding.connect() as connection:
            inner = _driver(connection)
            inner.execute("PRAGMA query_only=OFF")
            inner.execute("DELETE FROM temp.hidden_ids")
            inner.executemany("INSERT INTO temp.hidden_ids VALUES (?)", [(each,) for each in experiments])
            inner.execute("PRAGMA query_only=ON")
            yield connection

    def is_passing(self, error: BaseException, *, committing: bool = False) -> bool:
        return False

    def translated(self, error: BaseException) -> BaseException:
        return translated(error, self._path)

    def look(self) -> DatabaseDamaged | None:
        if _identity(self._path) == self._file:
            self._look_beside()
            return None
        return DatabaseDamaged(
            f"The workspace's database {self._path} was removed or replaced while the server had it open. What was "
            "written since is lost with it, if nobody has kept the file."
        )

    def _look_beside(self) -> None:
        """What is committed into a log without a name dies with this process: closing brings it to the file."""
        for path in self._companions:
            found = _identity(path)
            if found is not None:
                self._beside.setdefault(path, found)
            if found != self._beside.get(path) and self.left is None:
                self.left = WriterStopped(
                    f"{path} was removed or replaced while the server had it open. The server leaves, and brings what "
                    "was acknowledged into the database; the next command starts another one."
                )
        self.counted.renew()

    def suspect(self) -> None:
        self.counted.suspect()

    def close(self) -> None:
        self._deadlines.close()
        self._hiding.dispose()
        super().close()
        self.counted.close()


def _driver(connection: sa.Connection) -> sqlite3.Connection:
    inner = connection.connection.driver_connection
    assert isinstance(inner, sqlite3.Connection)
    return inner


def _is_interrupt(error: BaseException) -> bool:
    cause = error.orig if isinstance(error, sa.exc.DBAPIError) else error
    return getattr(cause, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT


def _identity(path: Path) -> tuple[int, int] | None:
    """Which file it is; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _connect(path: Path, *, begin: str, read_only: bool, size: int) -> sa.Engine:
    engine = sa.create_engine(
        sa.URL.create("sqlite", database=str(path)),
        poolclass=StaticPool if size == 1 else QueuePool,
        connect_args={"check_same_thread": False, "cached_statements": _STATEMENTS},
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
        _driver(connection).execute(begin)

    return engine
