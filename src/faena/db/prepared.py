"""Statements that are compiled once and sent to the driver as they are.

SQLAlchemy looks a statement up, prepares its parameters and makes a result that knows its columns each time: four to
ten times what SQLite takes for it, and most of what a run cost the server. What is the same here: the text of the
statement, what the types of columns do to parameters and to values, the transaction, the classes of errors.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NoReturn

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.dml import UpdateBase

from faena.db.columns import POSTGRESQL, BigInteger, beyond_64_bits

if TYPE_CHECKING:
    from faena.db.row_arrays import Together

Parameters = Mapping[str, Any]
_Convert = Callable[[Any], Any]


_FEWEST = 8
"""Rows for which one statement for all of them pays."""


class Found:
    """What a statement found: its rows, read to the end, each a tuple whose fields are called as its columns."""

    __slots__ = ("_changed", "rows")

    def __init__(self, rows: list[Any], changed: int | Callable[[], int]) -> None:
        """`changed`: as `rowcount`, or what waits until it is known."""
        self.rows = rows
        self._changed = changed

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
            values, waits = compiled.arrange(given), compiled.waits
            return send(connection, compiled.text, values, compiled.rows, waits=waits, **compiled.options)
        if not given:
            return Found([], 0)
        compiled = self._for(connection.dialect, given[0])
        rows = [compiled.arrange(row) for row in given]
        if compiled.together is not None and len(rows) >= _FEWEST:
            arrays = compiled.together.parameters(rows)
            if arrays is not None:
                return send(connection, compiled.together.text, arrays, waits=False, prepare=True)
        return send(connection, compiled.text, rows, many=True, waits=compiled.waits)

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
        told = not changes or bool(len(statement.exported_columns))
        # where rows are not told of, PostgreSQL would be asked for the ids of new ones
        compiled: Any = statement.compile(
            dialect=dialect, column_keys=names if changes else None, for_executemany=not told
        )
        if compiled.prefetch or compiled.post_compile_params or compiled.literal_execute_params:
            raise TypeError(f"This statement cannot be prepared: {statement}")
        lacking = [name for bound, name in compiled.bind_names.items() if bound.required]
        if missing := sorted(set(lacking) - set(names)):
            raise TypeError(f"The parameters {', '.join(missing)} were not given: {statement}")
        self.text = str(compiled)
        converts = {name: _processor(bound.type, dialect) for bound, name in compiled.bind_names.items()}
        own = {name: value for name, value in compiled.params.items() if name not in names}
        self.arrange = _arranging(converts, own, compiled.positiontup)
        self.options = {"prepare": True, "binary": True} if dialect.name == POSTGRESQL else {}
        """For the driver, which has a plan made once, and values as bytes rather than as text."""
        self.together: Together | None = None
        """The same for many rows."""
        if dialect.name == POSTGRESQL:
            from faena.db import row_arrays

            types = {name: bound.type for bound, name in compiled.bind_names.items()}
            if changes:
                self.together = row_arrays.together(self.text, types)
            elif (lists := row_arrays.with_lists(self.text, types)) is not None:
                self.text = lists.text
                arranged = self.arrange
                self.arrange = lambda given: lists.parameters(arranged(given))
        self.waits = dialect.name != POSTGRESQL
        """Until it is known what became of it; a statement that returns rows does."""
        self._dialect = dialect
        self._columns = statement.exported_columns
        self._convert: Callable[[Sequence[Any]], list[Any]] | None = None
        self.rows = self._rows if len(self._columns) else None
        """Reads them from the driver's cursor; None: the statement returns none."""

    def _rows(self, cursor: Any) -> list[Any]:
        found = cursor.fetchall()  # what is not waited for has no description before
        if self._convert is None:
            self._convert = _converting(
                self._columns, self._dialect, [each[1] for each in cursor.description]
            )
        return self._convert(found)


def _processor(kind: Any, dialect: Dialect) -> _Convert | None:
    """Of what the driver is given. SQLite's refuses whole numbers beyond 64 bits by itself: see `send`.

    PostgreSQL's takes bytes as they are.
    """
    if isinstance(kind, sa.LargeBinary) and dialect.name == POSTGRESQL:
        return None
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
    waits: bool = True,
    **options: Any,
) -> Found:
    """Give the driver a statement, parameters and options as it takes them, in SQLAlchemy's transaction.

    `waits`: until it is known what became of it; else what it meets is raised later, by a statement that waits.
    """
    if not connection.in_transaction():
        connection.begin()
    cursor: Any = connection.connection.cursor()
    if not waits and not (waits := not hasattr(cursor, "waits")):  # a connection of somebody else's waits
        cursor.waits = False
    try:
        if many:
            cursor.executemany(text, parameters)
        else:
            cursor.execute(text, parameters, **options)
        if rows is None and not waits:
            return Found([], partial(_changed, connection, text, cursor))
        return Found([] if rows is None else rows(cursor), cursor.rowcount)
    except OverflowError:
        raise beyond_64_bits() from None
    except connection.dialect.loaded_dbapi.Error as error:
        raise_wrapped(connection, text, error)
    finally:
        if waits:
            cursor.close()


def ask(connection: sa.Connection, text: str, parameters: Any) -> Any:
    """The driver's cursor, whose rows may be read once it is known what became of the statement."""
    cursor: Any = connection.connection.cursor()
    cursor.waits = False
    try:
        return cursor.execute(text, parameters, prepare=True)
    except connection.dialect.loaded_dbapi.Error as error:
        raise_wrapped(connection, text, error)


def _changed(connection: sa.Connection, text: str, cursor: Any) -> int:
    try:
        changed: int = cursor.changed()
    except connection.dialect.loaded_dbapi.Error as error:
        raise_wrapped(connection, text, error)
    return changed


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
