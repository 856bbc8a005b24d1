"""What the statements of either database answered, and what they met."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NoReturn

import sqlalchemy as sa
from sqlalchemy.engine import Dialect


class Found:
    """What a statement found: its rows, read to the end, each a tuple whose fields are called as its columns."""

    __slots__ = ("_changed", "_rows")

    def __init__(self, rows: list[Any] | Callable[[], list[Any]], changed: int | Callable[[], int]) -> None:
        """`changed`: as `rowcount`. Either may be what waits until it is known."""
        self._rows = rows
        self._changed = changed

    @property
    def rows(self) -> list[Any]:
        if not isinstance(self._rows, list):
            self._rows = self._rows()
        return self._rows

    @property
    def rowcount(self) -> int:
        """Rows that were changed."""
        return self._changed if isinstance(self._changed, int) else self._changed()

    def __iter__(self) -> Iterator[Any]:
        return iter(self.rows)

    def all(self) -> list[Any]:
        return self.rows

    def first(self) -> Any:
        """None where there is none."""
        return self.rows[0] if self.rows else None

    def scalars(self) -> list[Any]:
        """The first column."""
        return [row[0] for row in self.rows]

    def scalar(self) -> Any:
        """The first row's first column; None where there is no row."""
        return self.rows[0][0] if self.rows else None


def converting(
    columns: sa.ColumnCollection[Any, Any], dialect: Dialect, types: Sequence[Any]
) -> Callable[[Sequence[Any]], list[Any]]:
    """From the driver's rows to ours. `types`: of the columns, as the driver calls them."""
    kind = namedtuple("Row", columns.keys(), rename=True)  # type: ignore[misc]  # names of columns
    converts = [
        column.type.dialect_impl(dialect).result_processor(dialect, of_driver)
        for column, of_driver in zip(columns, types, strict=True)
    ]
    places = [(place, convert) for place, convert in enumerate(converts) if convert is not None]

    def converted(row: Sequence[Any]) -> Any:
        values = list(row)
        for place, convert in places:
            values[place] = convert(values[place])
        return kind._make(values)

    return lambda rows: list(map(converted if places else kind._make, rows))


def raise_wrapped(connection: sa.Connection, text: str, error: Exception) -> NoReturn:
    """As SQLAlchemy raises it, its parameters left out, which may be secrets."""
    dialect = connection.dialect
    is_lost = dialect.is_disconnect(error, connection.connection, None)  # type: ignore[arg-type]  # as SQLAlchemy asks it
    if is_lost:
        connection.invalidate(error)
    raise sa.exc.DBAPIError.instance(
        text,
        None,
        error,
        dialect.loaded_dbapi.Error,
        connection_invalidated=is_lost,
        dialect=dialect,
    ) from error
