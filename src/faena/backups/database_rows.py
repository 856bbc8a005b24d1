"""A database of PostgreSQL at one moment, and a copy of it: a file of SQLite, as backups of any workspace hold one."""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from faena.backups.moment import Moment, made_private
from faena.data.datastores import store as datastores
from faena.db import Read
from faena.db.row_copy import copy_rows
from faena.db.schema import create
from faena.kernel.errors import ServiceException
from faena.objects.references import referred
from faena.runs import store as run_store
from faena.workspaces import database_place
from faena.workspaces import store as workspaces


@contextlib.contextmanager
def opened(url: str) -> Iterator[Moment]:
    """One transaction sees one moment, however long it is read; others go on writing.

    Raises ServiceException where the database does not answer.
    """
    # needs its driver, which is there where there is such a database
    from faena.db.postgresql_engines import reading_at_once

    engine = reading_at_once(url)
    try:
        with engine.connect() as connection:
            yield _look(connection)
    except DBAPIError as error:
        if isinstance(error.orig, sqlite3.Error):
            raise
        said = " ".join(str(error.orig).split())[:300]
        raise ServiceException(
            f"The database {database_place.shown(url)} could not be read to its end ({said}), and nothing was backed "
            "up; an earlier backup stays as it is. Try again when it answers."
        ) from error
    finally:
        engine.dispose()


def _look(connection: sa.Connection) -> Moment:
    read = Read(connection)
    runs = read.execute(sa.select(sa.func.count()).select_from(run_store.runs)).scalar_one()
    objects, folders = referred(read), datastores.folders(read)
    size = connection.exec_driver_sql("SELECT pg_database_size(current_database())").scalar_one()

    def copy(target: Path, look: Callable[[], None]) -> None:
        _write(connection, target, look)

    return Moment(objects, folders, workspaces.locations(read), int(runs), int(size), copy)


def _write(source: sa.Connection, target: Path, look: Callable[[], None]) -> None:
    made_private(target)
    engine = sa.create_engine(
        sa.URL.create("sqlite", database=str(target)), poolclass=sa.NullPool, pool_reset_on_return=None
    )

    @sa.event.listens_for(engine, "connect")
    def configure(connection: sqlite3.Connection, _: object) -> None:
        connection.isolation_level = None  # one transaction, which is ours to begin
        # nothing to go back to: a copy that is cut short is removed
        connection.execute("PRAGMA journal_mode=OFF")
        connection.execute("PRAGMA synchronous=OFF")

    try:
        with engine.connect() as connection:
            connection.exec_driver_sql("BEGIN")
            create(connection)
            copy_rows(source, connection, look)
            connection.exec_driver_sql("COMMIT")
    except DBAPIError as error:
        if not isinstance(error.orig, sqlite3.Error):
            raise
        is_full = (error.orig.sqlite_errorcode & 0xFF) == sqlite3.SQLITE_FULL
        raise OSError(errno.ENOSPC if is_full else errno.EIO, str(error.orig)) from error
    with target.open("rb") as file:
        os.fsync(file.fileno())
