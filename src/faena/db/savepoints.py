"""Savepoints: what may fail by itself within a transaction."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, OperationalError

from faena.db.prepared import pipeline_of, send


class TransactionLost(Exception):
    """Nothing of a transaction can be kept: a statement of it failed that was not apart."""

    def __init__(self, cause: BaseException) -> None:
        super().__init__(str(cause))
        self.cause = cause


def begin(connection: sa.Connection) -> None:
    """Raises TransactionLost where it hears what a statement from before has met."""
    try:
        send(connection, "SAVEPOINT apart", waits=False)
    except OperationalError:
        raise
    except DBAPIError as error:
        raise TransactionLost(error) from None


def keep(connection: sa.Connection) -> None:
    """Raises what statements met since it began."""
    pipeline = pipeline_of(connection)
    waits = pipeline is None or not pipeline.is_settled
    send(connection, "RELEASE SAVEPOINT apart", waits=waits)


def take_back(connection: sa.Connection, cause: BaseException) -> None:
    """What was done since the savepoint began, which failed because of `cause`.

    Raises `cause` where there is no transaction any more: SQLite takes all of one back when the disk is full, and what
    were sent next would be kept by itself. Raises TransactionLost where it was met by a statement from before.
    """
    if connection.invalidated:
        raise cause
    try:
        send(connection, "ROLLBACK TO SAVEPOINT apart")
    except DBAPIError:
        if isinstance(cause, OperationalError):
            raise cause from None
        if isinstance(cause, DBAPIError):
            raise TransactionLost(cause) from None
        raise
    keep(connection)
