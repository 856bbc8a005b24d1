"""The database at one moment: what it refers to then, and a copy of it, while others write."""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import sqlalchemy as sa
from msgspec import Struct

from faena.data.datastores import store as datastores
from faena.db import Read
from faena.kernel.errors import DatabaseDamaged
from faena.objects.references import referred
from faena.runs import store as run_store

_PAGES = 2_048
"""Copied between two looks whether to go on."""


class Moment(Struct, frozen=True):
    """The database as it was when it was opened; valid until it is closed."""

    objects: dict[str, int | None]
    """Digests that it refers to, with their sizes."""
    datastores: dict[str, str]
    """Registered folders, by name."""
    runs: int
    """How many it has."""
    size: int
    """Bytes."""
    _connection: sqlite3.Connection

    def copy(self, target: Path, look: Callable[[], None]) -> None:
        """Write it to a new file, and to the disk. `look` may raise, to end it. Raises OSError for the target."""
        try:
            # Variables of runs are in it, and the folder may be one that others read.
            os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
            with contextlib.closing(sqlite3.connect(target)) as writing:
                # Nothing to go back to: a copy that is cut short is removed.
                writing.execute("PRAGMA journal_mode=OFF")
                writing.execute("PRAGMA synchronous=OFF")
                self._connection.backup(writing, pages=_PAGES, progress=lambda *_: look())
        except sqlite3.Error as error:
            code = error.sqlite_errorcode & 0xFF
            if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
                raise _damaged(error) from error
            raise OSError(errno.ENOSPC if code == sqlite3.SQLITE_FULL else errno.EIO, str(error)) from error
        with target.open("rb") as file:
            os.fsync(file.fileno())


@contextlib.contextmanager
def opened(path: Path) -> Iterator[Moment]:
    """Raises DatabaseDamaged for a database that cannot be read."""
    engine = sa.create_engine(
        "sqlite://",
        creator=lambda: _connect(path, "mode=ro"),
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
    return Moment(referred(read), datastores.folders(read), int(runs), pages * size, inner)


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
