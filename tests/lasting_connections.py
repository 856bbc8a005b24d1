"""Connections to PostgreSQL that outlive the test which opened them, for the next one of the same database.

One that is new costs the server and the driver more than most tests do with it: both learn the tables anew.
"""

from __future__ import annotations

import select
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.pool import QueuePool

from faena.db.hearing import Heard
from faena.db.postgresql import PostgreSQL


@dataclass
class _Kept:
    engine: sa.Engine
    connections: list[Any] = field(default_factory=list)

    def is_usable(self) -> bool:
        """Whether nobody has a connection, and the server has ended none: it would have said so."""
        pool = self.engine.pool
        assert isinstance(pool, QueuePool)
        if pool.checkedout() or any(each.closed for each in self.connections):
            return False
        return not select.select([each.fileno() for each in self.connections], [], [], 0)[0]


_kept: dict[str, dict[tuple[int, str], list[_Kept]]] = {}
"""What nobody uses: by the database's URL, and by what `_connect` was given."""


def processes(url: str) -> list[int]:
    """Those of the server that wait for whoever uses a database next."""
    return [
        connection.info.backend_pid
        for engines in _kept.get(url, {}).values()
        for kept in engines
        for connection in kept.connections
    ]


def close_all() -> None:
    for engines in _kept.values():
        for kept in engines.values():
            while kept:
                kept.pop().engine.dispose()


class LastingPostgreSQL(PostgreSQL):
    """The backend, but for where its connections come from and go to."""

    def __init__(self, url: str, *, readers: int, heard: Heard | None = None) -> None:
        self._place = url
        self._used: list[tuple[tuple[int, str], _Kept]] = []
        super().__init__(url, readers=readers, heard=heard)

    def _connect(self, size: int, options: str) -> sa.Engine:
        key = size, options
        kept = self._found(key) or self._new(*key)
        self._used.append((key, kept))
        return kept.engine

    def close(self) -> None:
        self.hear_no_more()
        while self._used:
            key, kept = self._used.pop()
            if kept.is_usable():
                _kept.setdefault(self._place, {}).setdefault(key, []).append(kept)
            else:
                kept.engine.dispose()

    def _found(self, key: tuple[int, str]) -> _Kept | None:
        left = _kept.get(self._place, {}).get(key, [])
        while left:
            kept = left.pop()
            if kept.is_usable():
                return kept
            kept.engine.dispose()
        return None

    def _new(self, size: int, options: str) -> _Kept:
        kept = _Kept(super()._connect(size, options))

        @event.listens_for(kept.engine, "connect")
        def note(connection: Any, _: object) -> None:
            kept.connections.append(connection)

        return kept
