"""Which of several processes with one database of PostgreSQL does what only one of them may do.

It holds a lock of a session of its own. A session that breaks, or says nothing for a while, loses it. Each that leads
has a number, one more than the one before: whoever finds another's in the row writes nothing any more, however late it
hears that it leads no more.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from faena.db.hearing import KEEPALIVES

if TYPE_CHECKING:
    import psycopg

_LEADING = 0x6661656E62
_SILENT_S = 10
"""Seconds after which the session of a process that was stopped, or whose host sleeps, is ended by PostgreSQL."""
TABLE = "server_leader"
"""No feature's: it is the database's own, as its locks are, and belongs to no copy of it."""
MAKE = (
    f"CREATE TABLE IF NOT EXISTS {TABLE} (one integer PRIMARY KEY CHECK (one = 1), number bigint NOT NULL, "
    "place text NOT NULL)"
)
FENCE = f"1 / (SELECT count(*) FROM {TABLE} WHERE number = {{number}})"
"""Fails, and with it the transaction that it is part of, where another process leads."""
LEADS = f"SELECT count(*) FROM {TABLE} WHERE number = {{number}}"
_TAKE = (
    f"INSERT INTO {TABLE} VALUES (1, 1, '') ON CONFLICT (one) DO UPDATE SET number = {TABLE}.number + 1, place = '' "
    "RETURNING number"
)
_SET_PLACE = f"UPDATE {TABLE} SET place = %s WHERE number = %s"
_PLACE = f"SELECT place FROM {TABLE}"


class Place(Struct, frozen=True):
    """Where the one that leads is asked by the others."""

    host: str
    port: int
    fingerprint: str
    """SHA-256 of its certificate, in hex."""
    key: str
    """By which it knows that one of the others asks."""


class LeaderLock:
    """Each call blocks, for some seconds where the server does not answer. Safe to use from any thread."""

    def __init__(self, conninfo: str) -> None:
        self._conninfo = conninfo
        self._session: psycopg.Connection[Any] | None = None
        self._turn = threading.Lock()
        self.was_lost = False
        """Whether the last look met a session that had broken: the one that led may want the lock again first."""

    def take(self) -> bool:
        """Whether this process has the lock now. False also where the server does not answer."""
        with self._turn:
            found = self._ask(f"SELECT pg_try_advisory_lock({_LEADING})")
            return bool(found)

    def holds(self) -> bool:
        """Whether it still has the lock that it took. It must be asked more often than once in ten seconds."""
        with self._turn:
            if self._session is None:
                return False
            return self._ask("SELECT 1", again=False) is not None

    def close(self) -> None:
        """Let the next one lead."""
        with self._turn:
            if self._session is not None:
                self._ask(
                    f"SELECT pg_advisory_unlock({_LEADING})"
                )  # a session that ends lets go a moment later
            self._leave()

    def _ask(self, statement: str, *, again: bool = True) -> Any:
        """None where there is no answer; the session is gone then."""
        import psycopg

        try:
            if self._session is None:
                if not again:
                    return None
                options = f"-c idle_session_timeout={_SILENT_S * 1000} -c tcp_keepalives_idle=5"
                options += " -c tcp_keepalives_interval=2 -c tcp_keepalives_count=3"
                self._session = psycopg.connect(
                    self._conninfo,
                    autocommit=True,
                    options=options,
                    tcp_user_timeout=_SILENT_S * 1000,
                    **KEEPALIVES,  # type: ignore[arg-type]  # of mixed types
                )
            row = self._session.execute(statement.encode()).fetchone()
        except psycopg.Error:
            self.was_lost = True
            self._leave()
            return None
        self.was_lost = False
        return row[0] if row else None

    def _leave(self) -> None:
        if self._session is not None:
            with suppress(Exception):
                self._session.close()
            self._session = None


def take_number(connection: Any) -> int:
    """In a transaction of whoever has the lock: its number."""
    return int(connection.exec_driver_sql(_TAKE).scalar_one())


def set_place(connection: Any, number: int, place: Place | None) -> None:
    text = "" if place is None else msgspec.json.encode(place).decode()
    connection.exec_driver_sql(_SET_PLACE, (text, number))


def place_of(connection: Any) -> Place | None:
    """None where nobody leads who can be asked."""
    text = connection.exec_driver_sql(_PLACE).scalar()
    return msgspec.json.decode(text, type=Place) if text else None
