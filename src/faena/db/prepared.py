"""Statements of the hot path, compiled once, and sent to the driver as they are.

SQLAlchemy prepares parameters anew for every row of an `executemany`, about 15 µs each: as much as all else that is
done for a point in a small batch. For a row that is read it makes a result that knows its columns, which takes five
times as long as the row.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from operator import itemgetter
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.dml import UpdateBase

from faena.db.transactions import Read

Parameters = Mapping[str, Any]


class Prepared:
    """A statement whose parameters are all `parameters`, plain values that the driver takes without conversion."""

    def __init__(self, statement: UpdateBase | sa.Select[Any], parameters: Sequence[str]) -> None:
        self._statement = statement
        self._parameters = list(parameters)
        self._compiled: dict[str, tuple[str, Callable[[Parameters], Any]]] = {}
        self._row: type[Any] | None = None
        if isinstance(statement, sa.Select):
            self._row = namedtuple("Row", statement.selected_columns.keys())  # type: ignore[misc]  # names of columns

    def rows(self, read: Read, parameters: Parameters) -> list[Any]:
        """What a select finds: tuples whose fields are called as its columns, with the driver's own values."""
        assert self._row is not None
        text, arrange = self._for(read)
        with _cursor(read) as cursor:
            cursor.execute(text, arrange(parameters))
            return list(map(self._row._make, cursor.fetchall()))

    def execute(self, read: Read, parameters: Parameters) -> None:
        text, arrange = self._for(read)
        with _cursor(read) as cursor:
            cursor.execute(text, arrange(parameters))

    def execute_many(self, read: Read, rows: Sequence[Parameters]) -> None:
        if rows:
            text, arrange = self._for(read)
            with _cursor(read) as cursor:
                cursor.executemany(text, [arrange(row) for row in rows])

    def _for(self, read: Read) -> tuple[str, Callable[[Parameters], Any]]:
        dialect = read.connection.dialect
        found = self._compiled.get(dialect.name)
        if found is None:
            keys = self._parameters if isinstance(self._statement, UpdateBase) else None
            compiled = self._statement.compile(dialect=dialect, column_keys=keys)
            order = compiled.positiontup
            arrange: Callable[[Parameters], Any] = dict if order is None else itemgetter(*order)
            found = self._compiled[dialect.name] = (str(compiled), arrange)
        return found


@contextmanager
def _cursor(read: Read) -> Iterator[Any]:
    """The driver's own. Its transaction is SQLAlchemy's, begun by the first statement of either."""
    if not read.connection.in_transaction():
        read.connection.begin()
    cursor = read.connection.connection.cursor()
    try:
        yield cursor
    finally:
        cursor.close()
