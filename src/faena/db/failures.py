"""From SQLite's errors to ours: what is wrong with a database, and what to do about it."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy.exc import DBAPIError, OperationalError

from faena.db.savepoints import TransactionLost
from faena.kernel import disk_space
from faena.kernel.errors import DatabaseDamaged, ServiceException, StorageFull, WorkspaceException

OF_DATABASE = (OperationalError, DatabaseDamaged, StorageFull, TransactionLost)
"""Errors that say nothing about the work that met them, and after which none of its transaction can go on."""

_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_HELD = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_REFUSED = (
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_AUTH,
    sqlite3.SQLITE_IOERR,
)


def translated(error: BaseException, path: Path) -> BaseException:
    """The error itself where it says nothing about the file."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    code = getattr(cause, "sqlite_errorcode", None)
    if not isinstance(cause, sqlite3.Error) or code is None:
        return error
    kind = code & 0xFF  # the rest says where it came up
    if kind == sqlite3.SQLITE_FULL:
        return disk_space.full(path.parent, "Then try again; nothing that was acknowledged is lost.")
    if kind in _DAMAGED:
        return damaged(path, str(cause))
    if kind == sqlite3.SQLITE_IOERR or (kind == sqlite3.SQLITE_READONLY and not os.access(path, os.W_OK)):
        return ServiceException(
            f"The disk that holds {path} cannot be written or read ({cause}): it may have become read-only, or fail "
            "(mount, dmesg). Nothing that was acknowledged is lost. Mend it, and try again."
        )
    return error


def damaged(path: Path, said: str) -> DatabaseDamaged:
    return DatabaseDamaged(
        f"The workspace's database {path} is damaged ({said}). Nothing more is written to it."
    )


@contextlib.contextmanager
def opening(path: Path) -> Iterator[None]:
    """While a database is opened, also what keeps it from being read or written is an error of ours."""
    try:
        yield
    except (DBAPIError, sqlite3.Error) as error:
        found = translated(error, path)
        cause = error.orig if isinstance(error, DBAPIError) else error
        kind = (getattr(cause, "sqlite_errorcode", None) or 0) & 0xFF
        if found is not error and kind not in _REFUSED:
            raise found from error
        if kind in _HELD:
            raise WorkspaceException(
                f"The workspace's database {path} is locked by another program ({cause}). `faena doctor` names it: end "
                "it, or let it finish."
            ) from error
        if kind in _REFUSED:
            raise WorkspaceException(
                f"The workspace's database {path} cannot be used: {cause}. See that this user may read and write it "
                "and its folder, and that the disk is well."
            ) from error
        raise
