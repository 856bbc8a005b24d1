"""Statements that are compiled once and sent to the driver as they are.

SQLAlchemy looks a statement up, prepares its parameters and makes a result that knows its columns each time: four to
ten times what SQLite takes for it, and most of what a run cost the server. What is the same here: the text of the
statement, what the types of columns do to parameters and to values, the transaction, the classes of errors.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any, NoReturn

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.dml import UpdateBase

from faena.db.columns import POSTGRESQL, BigInteger, beyond_64_bits

Parameters = Mapping[str, Any]
_Convert = Callable[[Any], Any]


class Found:
    """What a statement found: its rows, read to the end, each a tuple whose fields are called as its columns."""

    __slots__ = ("rowcount", "rows")

    def __init__(self, rows: list[Any], rowcount: int) -> None:
        self.rows = rows
        self.rowcount = rowcount
        """Rows that were changed."""

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


class Prepared:
    """A statement for `Read.execute`; a constant of its module, since it is compiled at its first use.

    It has no list of any length (`in_`) and sets no default of Python's. A statement that returns rows is given one
    row's parameters; another may be given those of many.
    """

    def __init__(self, statement: UpdateBase | sa.Select[Any]) -> None:
        self.statement = statement
        self._compiled: dict[tuple[str, tuple[str, ...]], _Compiled] = {}

    def execute(self, connection: sa.Connection, given: Parameters | Sequence[Parameters]) -> Found:
        if isinstance(given, Mapping):
            compiled = self._for(connection.dialect, given)
            return send(connection, compiled.text, compiled.arrange(given), compiled.rows)
        if not given:
            return Found([], 0)
        compiled = self._for(connection.dialect, given[0])
        return send(connection, compiled.text, [compiled.arrange(row) for row in given], many=True)

    def _for(self, dialect: Dialect, parameters: Parameters) -> _Compiled:
        key = dialect.name, tuple(parameters)
        found = self._compiled.get(key)
        if found is None:
            found = self._compiled[key] = _Compiled(self.statement, dialect, list(parameters))
        return found


class _Compiled:
    """Of one database and one set of parameters."""

    def __init__(self, statement: UpdateBase | sa.Select[Any], dialect: Dialect, names: list[str]) -> None:
        changes = isinstance(statement, UpdateBase)
        compiled: Any = statement.compile(dialect=dialect, column_keys=names if changes else None)
        if compiled.prefetch or compiled.post_compile_params or compiled.literal_execute_params:
            raise TypeError(f"This statement cannot be prepared: {statement}")
        lacking = [name for bound, name in compiled.bind_names.items() if bound.required]
        if missing := sorted(set(lacking) - set(names)):
            raise TypeError(f"The parameters {', '.join(missing)} were not given: {statement}")
        self.text = str(compiled)
        converts = {name: _processor(bound.type, dialect) for bound, name in compiled.bind_names.items()}
        own = {name: value for name, value in compiled.params.items() if name not in names}
        self.arrange = _arranging(converts, own, compiled.positiontup)
        self._dialect = dialect
        self._columns = statement.exported_columns
        self._convert: Callable[[Sequence[Any]], list[Any]] | None = None
        self.rows = self._rows if len(self._columns) else None
        """Reads them from the driver's cursor; None: the statement returns none."""

    def _rows(self, cursor: Any) -> list[Any]:
        if self._convert is None:
            self._convert = _converting(
                self._columns, self._dialect, [each[1] for each in cursor.description]
            )
        return self._convert(cursor.fetchall())


def _processor(kind: Any, dialect: Dialect) -> _Convert | None:
    """Of what the driver is given. SQLite's refuses whole numbers beyond 64 bits by itself: see `send`."""
    if isinstance(kind, BigInteger) and dialect.name != POSTGRESQL:
        return None
    convert: _Convert | None = kind.dialect_impl(dialect).bind_processor(dialect)
    return convert


def send(
    connection: sa.Connection,
    text: str,
    parameters: Any = (),
    rows: Callable[[Any], list[Any]] | None = None,
    *,
    many: bool = False,
) -> Found:
    """Give the driver a statement and parameters as it takes them, in SQLAlchemy's transaction."""
    if not connection.in_transaction():
        connection.begin()
    cursor = connection.connection.cursor()
    try:
        if many:
            cursor.executemany(text, parameters)
        else:
            cursor.execute(text, parameters)
        return Found([] if rows is None else rows(cursor), cursor.rowcount)
    except OverflowError:
        raise beyond_64_bits() from None
    except connection.dialect.loaded_dbapi.Error as error:
        _raise(connection, text, error)
    finally:
        cursor.close()


def _arranging(
    converts: Mapping[str, _Convert | None], own: Parameters, order: Sequence[str] | None
) -> Callable[[Parameters], Any]:
    """From named parameters to those that the driver is given: a tuple where it wants them in order.

    `own`: what the statement itself says.
    """
    fixed = {name: value if (to := converts[name]) is None else to(value) for name, value in own.items()}
    given = {name: None if name in own else convert for name, convert in converts.items()}
    names = list(order or given)
    places = [(place, convert) for place, name in enumerate(names) if (convert := given[name]) is not None]
    pick = itemgetter(*names) if len(names) > 1 else lambda found: tuple(found[name] for name in names)

    def arrange(parameters: Parameters) -> Any:
        values = pick({**fixed, **parameters} if fixed else parameters)
        if places:
            values = list(values)
            for place, convert in places:
                values[place] = convert(values[place])
        return dict(zip(given, values, strict=True)) if order is None else tuple(values)

    return arrange


def _converting(
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


def _raise(connection: sa.Connection, text: str, error: Exception) -> NoReturn:
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
