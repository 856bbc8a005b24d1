"""PostgreSQL: a database that several processes write. Acknowledged means committed there."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError

from faena.db import hiding
from faena.db import postgresql_engines as engines
from faena.db import postgresql_failures as failures
from faena.db.answers import raise_wrapped
from faena.db.contract import Backend
from faena.db.deadlines import checking, timed_out
from faena.db.hearing import Heard, Hearing, columns
from faena.db.hosts import hosts_of
from faena.db.kept_commits import FORGET, MARK, KeptCommits
from faena.db.kept_commits import MAKE as MAKE_COMMITS
from faena.db.leading import FENCE, LEADS, MAKE, LeaderLock
from faena.db.migrations import bring_up
from faena.db.prepared import send
from faena.db.schema import create, found_version
from faena.kernel.errors import (
    FaenaError,
    ServiceException,
    WorkspaceException,
    WriterStopped,
)
from faena.kernel.plural import counted

_WRITING = 0x6661656E61
"""The advisory lock of whoever writes. Locks are the database's own: those of others never meet."""
_BEGIN_TO_WRITE = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"
_LOCK = f"SELECT pg_advisory_xact_lock({_WRITING})"
_BEGIN_TO_READ = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_SILENT_S = 60
"""Seconds after which a writer that holds the lock and says nothing, such as a host that sleeps, loses it."""
_DIVIDED_BY_ZERO = "22012"
_LOOK_S = 0.2
"""Between looks whether it answers again."""
_FAILED = 3
"""The driver's number for a transaction of which nothing more can come."""


class PostgreSQL(Backend):
    """Writers take one lock for their transactions: it holds off those of other servers, as SQLite's does."""

    def __init__(self, url: str, *, readers: int, heard: Heard | None = None) -> None:
        """`heard`: what is called with topics of other processes. Raises WorkspaceException."""
        self._url = engines.parsed(url)
        self._hosts = hosts_of(url)
        self._commits = KeptCommits()
        self._marked: Any = None
        """The answer that says whether the last transaction changed something, once it has come."""
        self._fence: int | None = None
        self._number: int | None = None
        self._hearing: Hearing | None = None
        if find_spec("psycopg") is None:
            raise WorkspaceException(
                f"The database {self._shown} needs PostgreSQL's driver: pip install 'faena[postgresql]'."
            )
        self.writing = self._connect(1, f"-c idle_in_transaction_session_timeout={_SILENT_S * 1000}")
        reading = "-c default_transaction_read_only=on"
        self.reading = self._connect(readers, reading)
        self._hiding = self._connect(readers, f"{reading} -c {hiding.SETTING}=[]")
        event.listen(self._hiding, "connect", hiding.begin_on_postgresql)
        try:
            with self.writing.connect() as connection:
                self._prepare(connection)
        except DBAPIError as error:
            self.close()
            raise WorkspaceException(
                f"The database {self._shown} cannot be used: {failures.said(error)}. See that its server runs, that "
                "the URL is right, and that this user may create tables there."
            ) from error
        except FaenaError:
            self.close()
            raise
        self._hearing = Hearing(self.conninfo, heard)

    @property
    def conninfo(self) -> str:
        """For the driver itself, with the password."""
        return self._url.set(drivername="postgresql").render_as_string(hide_password=False)

    def leader_lock(self) -> LeaderLock:
        return LeaderLock(self.conninfo)

    def lead(self, number: int | None) -> None:
        self._number = number

    def finish(self, connection: sa.Connection, topics: set[str]) -> None:
        from faena.db import packed, pipelining

        _check_whole(connection)
        messages = self._hearing.messages(topics) if topics and self._hearing is not None else []
        telling, parameters = columns(messages)
        number = self._fence = self._number  # another thread's, which may come before the transaction's end
        leading = "NULL" if number is None else FENCE.format(number=number)
        asked = f"WITH kept AS ({MARK}) SELECT (SELECT number FROM kept), {leading}{telling}"
        pipeline = pipelining.of(connection.connection.driver_connection)
        assert pipeline is not None
        self._marked = packed.ask(connection, pipeline, asked, (*self._commits.next(), *parameters))

    def close(self) -> None:
        self.hear_no_more()
        self._hiding.dispose()
        super().close()

    def hear_no_more(self) -> None:
        if self._hearing is not None:
            self._hearing.close()
            self._hearing = None

    @contextmanager
    def transaction(self, connection: sa.Connection) -> Iterator[sa.Transaction]:
        from faena.db import pipelining

        driver = connection.dialect.loaded_dbapi
        self._marked = self._fence = None
        with connection.begin() as transaction:
            inner: Any = connection.connection.driver_connection
            try:
                with pipelining.within(inner):
                    send(connection, _BEGIN_TO_WRITE, waits=False)
                    send(connection, _LOCK, waits=False)
                    yield transaction
                    if transaction.is_active:
                        _check_whole(connection)
                        send(connection, "COMMIT", waits=False)
            except (
                driver.Error,
                DBAPIError,
            ) as error:  # as it was heard: at the end, or by the next statement
                met = error.orig if isinstance(error, DBAPIError) else error
                if getattr(met, "sqlstate", None) == _DIVIDED_BY_ZERO and self._is_deposed():
                    raise WriterStopped(
                        "Another process of this server leads now, and this one leaves. Ask again."
                    ) from None
                if isinstance(error, DBAPIError):
                    raise
                raise_wrapped(connection, "COMMIT", error)
        if self._marked is not None and self._marked.rows()[0][0] is not None:
            self._commits.answered()

    def _is_deposed(self) -> bool:
        """Whether another process leads than when the last transaction was to end."""
        if self._fence is None:
            return False
        with engines.apart(self._url).connect() as connection:
            return not connection.exec_driver_sql(LEADS.format(number=self._fence)).scalar()

    def give_up(self, connection: sa.Connection, transaction: sa.Transaction) -> None:
        from faena.db import pipelining

        pipelining.calm(connection.connection.driver_connection)
        transaction.rollback()

    @contextmanager
    def moment(
        self, connection: sa.Connection, seconds: float | None = None
    ) -> Iterator[Callable[[], None] | None]:
        from faena.db import pipelining

        check = None if seconds is None else checking(time.monotonic() + seconds, seconds)
        driver = connection.dialect.loaded_dbapi
        try:
            with connection.begin(), pipelining.within(connection.connection.driver_connection):
                send(connection, _BEGIN_TO_READ, waits=False)
                if seconds is not None:
                    limit = max(1, int(seconds * 1000))
                    send(connection, f"SET LOCAL statement_timeout = {limit}", waits=False)
                yield check
                send(connection, "COMMIT", waits=False)
        except driver.Error as error:  # of what was not waited for
            raise_wrapped(connection, "COMMIT", error)
        except DBAPIError as error:
            if seconds is not None and failures.state(error) == failures.CANCELED:
                raise timed_out(seconds) from error
            raise

    @contextmanager
    def hiding(self, experiments: Collection[int]) -> Iterator[sa.Connection]:
        with self._hiding.connect() as connection:
            told = json.dumps(sorted(experiments))
            connection.execute(sa.select(sa.func.set_config(hiding.SETTING, told, False)))
            connection.commit()  # of SQLAlchemy's own, as above
            yield connection

    def is_passing(self, error: BaseException, *, committing: bool = False) -> bool:
        return failures.is_passing(error, committing=committing)

    def is_away(self, error: BaseException) -> bool:
        return failures.is_away(error)

    def returns(self, seconds: float) -> bool:
        until = time.monotonic() + seconds
        while True:
            try:
                with engines.apart(self._url).connect() as connection:
                    connection.exec_driver_sql("SELECT 1")
                return True
            except DBAPIError as error:
                if time.monotonic() > until or not self.is_away(error):
                    return False
            time.sleep(_LOOK_S)

    def has_last(self) -> bool:
        with engines.apart(self._url).connect() as connection:
            found = connection.exec_driver_sql(self._commits.look).scalar()
        if lacking := self._commits.lacking(found):
            raise WriterStopped(
                f"The database {self._shown} answers again and lacks the last {counted(lacking, 'commit')} of this "
                "process, which had been acknowledged: one that takes the place of another has only what that had sent "
                "it (synchronous_commit and synchronous_standby_names of PostgreSQL). This process leaves, since what "
                "it knows is not what is there; what is lost must be done again."
            )
        return self._commits.has_last(found)

    def translated(self, error: BaseException) -> BaseException:
        return failures.translated(error, self._shown)

    def look(self) -> None:
        return None

    def suspect(self) -> None:
        """Its own checks are the server's."""

    @property
    def _shown(self) -> str:
        if len(self._hosts) > 1:
            return f"postgresql://{','.join(self._hosts)}/{self._url.database}"
        return self._url.render_as_string(hide_password=True)

    def _prepare(self, connection: sa.Connection) -> None:
        encoding = connection.exec_driver_sql("SHOW server_encoding").scalar_one()
        connection.rollback()  # of SQLAlchemy's own: the driver has none
        if encoding != "UTF8":
            raise WorkspaceException(
                f"The database {self._shown} keeps text as {encoding}. Make one with ENCODING 'UTF8' and TEMPLATE "
                "template0."
            )
        with self.transaction(connection):
            found = found_version(connection)
            if found is None:
                create(connection)
            else:
                bring_up(connection, found)
            for statement in (MAKE, MAKE_COMMITS, FORGET):
                connection.exec_driver_sql(statement)

    def _connect(self, size: int, options: str) -> sa.Engine:
        return engines.pooled(self._url, size, options)


def _check_whole(connection: sa.Connection) -> None:
    """Raises ServiceException in a transaction whose commit PostgreSQL would take for a rollback, and not say so."""
    inner: Any = connection.connection.driver_connection
    if inner.info.transaction_status == _FAILED:
        raise ServiceException("A statement of a transaction failed, and the next ones were sent.")
