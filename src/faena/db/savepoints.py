"""Savepoints: what may fail by itself within a transaction."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from faena.db.prepared import send


def begin(connection: sa.Connection) -> None:
    send(connection, "SAVEPOINT apart")


def keep(connection: sa.Connection) -> None:
    send(connection, "RELEASE SAVEPOINT apart")


def take_back(connection: sa.Connection, cause: BaseException) -> None:
    """What was done since the savepoint began, which failed because of `cause`.

    Raises `cause` where there is no transaction any more: SQLite takes all of one back when the disk is full, and what
    were sent next would be kept by itself.
    """
    if connection.invalidated:
        raise cause
    try:
        send(connection, "ROLLBACK TO SAVEPOINT apart")
    except DBAPIError:
        if isinstance(cause, DBAPIError):
            raise cause from None
        raise
    keep(connection)
