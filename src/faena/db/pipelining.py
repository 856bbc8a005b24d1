"""Statements of PostgreSQL that are sent without waiting for what became of the ones before.

A transaction of a run's way has a dozen statements, of which half tell nothing: each answer that nobody waits for is a
journey less. What fails is told by the next answer that is waited for, at the latest by that of the commit, and
nothing after it was done.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
from psycopg.abc import Params, Query

_COLLECTING = 3
"""Times that answers are collected after one that told of an error: each may tell of another one."""


class _Pipeline:
    """Of one transaction."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self._entered = connection.pipeline()
        self._pipeline = self._entered.__enter__()
        self.is_settled = True
        """Whether no statement is left of which it is not known what became of it."""

    def leave(self) -> None:
        """Raises what a statement met that nobody waited for."""
        self._entered.__exit__(None, None, None)
        self.is_settled = True

    def settle(self) -> None:
        try:
            self._pipeline.sync()
        except psycopg.Error:
            self.calm()
            raise
        self.is_settled = True

    def calm(self) -> None:
        """After an error: until then PostgreSQL passes over what it is sent."""
        for _ in range(_COLLECTING):
            with suppress(psycopg.Error):
                self._pipeline.sync()
                break
        self.is_settled = True


_open: WeakKeyDictionary[psycopg.Connection[Any], _Pipeline] = WeakKeyDictionary()


class Cursor(psycopg.Cursor[Any]):
    """Waits for each answer, as SQLAlchemy expects, unless it is told not to."""

    waits = True

    def execute(self, query: Any, params: Params | None = None, **options: Any) -> Cursor:
        with self._told():
            super().execute(query, params, **options)
        return self

    def executemany(self, query: Query, params_seq: Iterable[Params], *, returning: bool = False) -> None:
        with self._told():
            super().executemany(query, params_seq, returning=returning)

    def fetchall(self) -> list[Any]:
        """Raises what any statement before this one met."""
        if (pipeline := _open.get(self.connection)) is None:
            return super().fetchall()
        try:
            found = super().fetchall()
        except psycopg.Error:
            pipeline.calm()
            raise
        pipeline.is_settled = True
        return found

    def changed(self) -> int:
        """Rows that were changed; waits for the answer."""
        settle(self.connection)
        return self.rowcount

    @contextmanager
    def _told(self) -> Iterator[None]:
        if (pipeline := _open.get(self.connection)) is None:
            yield
            return
        pipeline.is_settled = False
        try:
            yield
        except psycopg.Error:
            pipeline.calm()
            raise
        if self.waits:
            pipeline.settle()


@contextmanager
def begun(connection: psycopg.Connection[Any]) -> Iterator[None]:
    """A pipeline; all answers have come at its end. Raises what a statement met that nobody waited for."""
    _open[connection] = _Pipeline(connection)
    try:
        yield
    except BaseException:
        if (pipeline := _open.pop(connection, None)) is not None:
            pipeline.calm()
            with suppress(psycopg.Error):  # there may be nobody to be told
                pipeline.leave()
        raise
    if (pipeline := _open.pop(connection, None)) is not None:
        pipeline.leave()


@contextmanager
def paused(connection: psycopg.Connection[Any]) -> Iterator[None]:
    """None meanwhile, within a transaction: for rows that are fetched by parts."""
    if (pipeline := _open.pop(connection, None)) is None:
        yield
        return
    pipeline.leave()
    yield
    _open[connection] = _Pipeline(connection)


def settle(connection: psycopg.Connection[Any]) -> None:
    """Wait until it is known what became of all statements. Raises what one of them met."""
    if (pipeline := _open.get(connection)) is not None and not pipeline.is_settled:
        pipeline.settle()


def is_settled(connection: psycopg.Connection[Any]) -> bool:
    pipeline = _open.get(connection)
    return pipeline is None or pipeline.is_settled


def calm(connection: psycopg.Connection[Any]) -> None:
    """The same as `settle`, where what they met is of no concern any more."""
    if (pipeline := _open.get(connection)) is not None and not pipeline.is_settled:
        pipeline.calm()
