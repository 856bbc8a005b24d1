"""Statements of the hot path, compiled once.

SQLAlchemy prepares parameters anew for every row of an `executemany`, about 15 µs each: as much as all else that is
done for a point in a small batch. These statements hand the driver their parameters as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.dml import UpdateBase

from faena.db import Read

Parameters = Mapping[str, Any]


class Prepared:
    """A statement whose parameters are all `parameters`, plain values that the driver takes without conversion."""

    def __init__(self, statement: UpdateBase | sa.Select[Any], parameters: Sequence[str]) -> None:
        self._statement = statement
        self._parameters = list(parameters)
        self._compiled: dict[str, tuple[str, Callable[[Parameters], Any]]] = {}

    def execute(self, read: Read, parameters: Parameters) -> sa.CursorResult[Any]:
        text, arrange = self._for(read)
        return read.connection.exec_driver_sql(text, arrange(parameters))

    def execute_many(self, read: Read, rows: Sequence[Parameters]) -> None:
        if rows:
            text, arrange = self._for(read)
            read.connection.exec_driver_sql(text, [arrange(row) for row in rows])

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
