"""The database at one moment: what it refers to then, and a copy of it, while others write.

Here a file of SQLite; one of PostgreSQL is read by `database_rows`.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import sqlalchemy as sa

from faena.backups.moment import Moment, made_private
from faena.data.datastores import store as datastores
from faena.db import Read
from faena.kernel.errors import DatabaseDamaged
from faena.objects.references import referred
from faena.runs import store as run_store
from faena.workspaces import store as workspaces

_PAGES = 2_048
"""Copied between two looks whether to go on."""


@contextlib.contextmanager
def opened(at: Path | str) -> Iterator[Moment]:
    """`at`: a file, or the URL of a database.

    Raises DatabaseDamaged for one that cannot be read, ServiceException for one that does not answer.
    """
    if isinstance(at, str):
        from faena.backups import database_rows  # what it needs is of use to few

        with database_rows.opened(at) as found:
            yield found
        return
    engine = sa.create_engine(
        "sqlite://",
        creator=lambda: _connect(at, "mode=ro"),
        poolclass=sa.NullPool,
        pool_reset_on_return=None,
    )
    with contextlib.ExitStack() as stack:
        try:
            connection = stack.enter_context(engine.connect())
            connection.exec_driver_sql("BEGIN")  # its first read, the next one, is the moment
            moment = _look(connection)
        except (sa.exc.DatabaseError, sqlite3.DatabaseError) as error:
            raise _damaged(getattr(error, "orig", error)) from error
        yield moment


def _look(connection: sa.Connection) -> Moment:
    read, inner = Read(connection), connection.connection.driver_connection
    assert isinstance(inner, sqlite3.Connection)
    pages, size = (inner.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
    runs = read.execute(sa.select(sa.func.count()).select_from(run_store.runs)).scalar_one()

    def copy(target: Path, look: Callable[[], None]) -> None:
        _write(inner, target, look)

    folders, locations = datastores.folders(read), workspaces.locations(read)
    return Moment(referred(read), folders, locations, int(runs), pages * size, copy)


def _write(source: sqlite3.Connection, target: Path, look: Callable[[], None]) -> None:
    made_private(target)
    try:
        with contextlib.closing(sqlite3.connect(target)) as writing:
            # Nothing to go back to: a copy that is cut short is removed.
            writing.execute("PRAGMA journal_mode=OFF")
            writing.execute("PRAGMA synchronous=OFF")
            source.backup(writing, pages=_PAGES, progress=lambda *_: look())
    except sqlite3.Error as error:
        code = error.sqlite_errorcode & 0xFF
        if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            raise _damaged(error) from error
        raise OSError(errno.ENOSPC if code == sqlite3.SQLITE_FULL else errno.EIO, str(error)) from error
    with target.open("rb") as file:
        os.fsync(file.fileno())


def check(copy: Path) -> None:
    """Raises DatabaseDamaged for a database that is damaged: the copy must not take the place of a whole one."""
    try:
        with contextlib.closing(_connect(copy, "immutable=1")) as connection:
            said = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
    except sqlite3.DatabaseError as error:
        said = str(error)
    if said != "ok":
        raise _damaged(said.splitlines()[-1])


def _damaged(said: object) -> DatabaseDamaged:
    return DatabaseDamaged(
        f"The workspace's database is damaged ({said}), and not backed up; an earlier backup stays as it is. Restore "
        "that one elsewhere, and look at both."
    )


def _connect(path: Path, how: str) -> sqlite3.Connection:
    connection = sqlite3.connect(f"{path.as_uri()}?{how}", uri=True)
    connection.isolation_level = None
    return connection
