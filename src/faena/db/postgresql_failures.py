"""From PostgreSQL's errors to ours: what passes by itself, what is away, what can be done about the rest."""

from __future__ import annotations

from sqlalchemy.exc import DBAPIError, OperationalError

from faena.kernel.errors import DatabaseAway, DatabaseDamaged, StorageFull, UserErrorException

CANCELED = "57014"
_AGAIN = ("40001", "40P01")
"""Serialization failures and deadlocks."""
_FULL = "53100"
_AWAY = ("08", "57P01", "57P02", "57P03")
"""What the states begin with of a connection that broke, and of a server that ends, crashed or starts."""
_DAMAGED = ("XX001", "XX002")
_UNFIT = "22"
"""What the states of values begin with that no column takes."""


def is_passing(error: BaseException, *, committing: bool) -> bool:
    if not isinstance(error, DBAPIError):
        return False
    # a commit whose answer was lost may be kept or not
    return state(error) in _AGAIN or (error.connection_invalidated and not committing)


def is_away(error: BaseException) -> bool:
    if not isinstance(error, DBAPIError) or state(error) in (*_AGAIN, CANCELED):
        return False
    never_came = isinstance(error, OperationalError) and not state(error)
    return error.connection_invalidated or never_came or state(error).startswith(_AWAY)


def translated(error: BaseException, shown: str) -> BaseException:
    """The error itself where it says nothing about the database. `shown`: which one it is, for people."""
    if not isinstance(error, DBAPIError):
        return error
    if is_away(error):
        return DatabaseAway(
            f"The database {shown} does not answer ({said(error)}). Ask again later: a request that was "
            "answered is known, and what was acknowledged is kept."
        )
    if state(error) == _FULL:
        return StorageFull(
            f"The disk of the database {shown} is full. Free some space there and try again; nothing that "
            "was acknowledged is lost."
        )
    if state(error) in _DAMAGED:
        return DatabaseDamaged(f"The database {shown} is damaged ({said(error)}).")
    if state(error).startswith(_UNFIT):
        return UserErrorException(
            f"A value that was given cannot be kept, or compared with what is: {said(error)}."
        )
    return error


def state(error: DBAPIError) -> str:
    return str(getattr(error.orig, "sqlstate", None) or "")


def said(error: DBAPIError) -> str:
    return " ".join(str(error.orig).split())[:300]
