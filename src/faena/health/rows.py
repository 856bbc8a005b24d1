"""The tables of a workspace's database, whichever keeps it, to be read alone."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from faena.health import database, postgresql
from faena.health.subject import Subject
from faena.kernel.errors import FaenaError
from faena.workspaces import database_place

Row = tuple[Any, ...]


class Unreadable(Exception):
    """The database cannot be read: what is wrong with it, its own check tells."""


class Tables(Protocol):
    def names(self) -> set[str]: ...

    def rows(self, query: str, *parameters: object) -> Iterator[Row]:
        """As they come. `?` in the query stands for a parameter, and `%` for nothing else."""


def _faults() -> tuple[type[Exception], ...]:
    return (sqlite3.Error, FaenaError, *postgresql.faults())


@contextmanager
def opened(subject: Subject) -> Iterator[Tables | None]:
    """None where there is no database yet. Raises Unreadable, also within the block."""
    try:
        place = None if subject.folder is None else database_place.place(subject.folder)
        if place is None or (isinstance(place, Path) and not place.exists()):
            yield None
        elif isinstance(place, Path):
            with database.opened(place) as file:
                yield _OfSQLite(file)
        else:
            with postgresql.connected(place) as connection:
                yield _OfPostgreSQL(connection)
    except _faults() as error:
        raise Unreadable(str(error)) from error


def read(subject: Subject, query: str) -> list[Row]:
    """None of a database that cannot be read, or that has no such table."""
    try:
        with opened(subject) as tables:
            return [] if tables is None else list(tables.rows(query))
    except Unreadable:
        return []


class _OfSQLite:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def names(self) -> set[str]:
        return {row[0] for row in self.rows("SELECT name FROM sqlite_master WHERE type = 'table'")}

    def rows(self, query: str, *parameters: object) -> Iterator[Row]:
        yield from self._connection.execute(query, parameters)


class _OfPostgreSQL:
    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def names(self) -> set[str]:
        found = self.rows("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
        return {row[0] for row in found}

    def rows(self, query: str, *parameters: object) -> Iterator[Row]:
        with self._connection.cursor() as cursor:
            yield from cursor.stream(query.replace("?", "%s"), parameters or None)
