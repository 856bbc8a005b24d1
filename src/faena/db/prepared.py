"""Statements that are compiled once and sent to the driver as they are.

SQLAlchemy looks a statement up, prepares its parameters and makes a result that knows its columns each time: four to
ten times what SQLite takes for it, and most of what a run cost the server. What is the same here: the text of the
statement, what the types of columns do to parameters and to values, the transaction, the classes of errors.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.dml import UpdateBase

from faena.db.answers import Found, converting, raise_wrapped
from faena.db.columns import POSTGRESQL, beyond_64_bits
from faena.db.parameters import Parameters, arranging, processor

if TYPE_CHECKING:
    from faena.db.packed import Packed
    from faena.db.pipelining import Pipeline


class Prepared:
    """A statement for `Read.execute`; a constant of its module, since it is compiled at its first use.

    It has no list of any length (`in_`) and sets no default of Python's. A statement that returns rows is given one
    row's parameters; another may be given those of many.
    """

    def __init__(self, statement: UpdateBase | sa.Select[Any]) -> None:
        self.statement = statement
        self._compiled: dict[tuple[str, tuple[str, ...]], _Compiled] = {}

    def execute(self, connection: sa.Connection, given: Parameters | Sequence[Parameters]) -> Found:
        """Its rows are read."""
        found = self.ask(connection, given)
        found.all()
        return found

    def ask(self, connection: sa.Connection, given: Parameters | Sequence[Parameters]) -> Found:
        """Its rows may be read later: of PostgreSQL those of several are one journey."""
        if not isinstance(given, Mapping) and not given:
            return Found([], 0)
        if not connection.in_transaction():
            connection.begin()
        compiled = self._for(connection.dialect, given if isinstance(given, Mapping) else given[0])
        if compiled.packed is not None and (pipeline := pipeline_of(connection)) is not None:
            return compiled.packed.execute(connection, pipeline, given)
        return compiled.execute(connection, given)

    def _for(self, dialect: Dialect, parameters: Parameters) -> _Compiled:
        key = dialect.name, tuple(parameters)
        found = self._compiled.get(key)
        if found is None:
            found = self._compiled[key] = _Compiled(self.statement, dialect, list(parameters))
        return found


class _Compiled:
    """Of one database and one set of parameters, as a cursor of its driver takes it."""

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
        self._text = str(compiled)
        converts = {name: processor(bound.type, dialect) for bound, name in compiled.bind_names.items()}
        own = {name: value for name, value in compiled.params.items() if name not in names}
        self._arrange = arranging(converts, own, compiled.positiontup)
        self._dialect = dialect
        self._columns = statement.exported_columns if told else None
        self._convert: Callable[[Sequence[Any]], list[Any]] | None = None
        self.packed = _packed(compiled, self._columns, dialect, own) if dialect.name == POSTGRESQL else None
        """The same for a pipeline; None: there is none, or some of its values are not packed."""

    def execute(self, connection: sa.Connection, given: Parameters | Sequence[Parameters]) -> Found:
        cursor: Any = connection.connection.cursor()
        try:
            if isinstance(given, Mapping):
                cursor.execute(self._text, self._arrange(given))
            else:
                cursor.executemany(self._text, list(map(self._arrange, given)))
            return Found([] if self._columns is None else self._rows(cursor), cursor.rowcount)
        except OverflowError:
            raise beyond_64_bits() from None
        except connection.dialect.loaded_dbapi.Error as error:
            raise_wrapped(connection, self._text, error)
        finally:
            cursor.close()

    def _rows(self, cursor: Any) -> list[Any]:
        if self._convert is None:
            assert self._columns is not None
            types = [each[1] for each in cursor.description]
            self._convert = converting(self._columns, self._dialect, types)
        return self._convert(cursor.fetchall())


def send(connection: sa.Connection, text: str, *, waits: bool = True) -> None:
    """Give the driver a statement of few words, in SQLAlchemy's transaction.

    `waits`: until it is known what became of it; else what it meets is raised later, by a statement that waits.
    """
    if not connection.in_transaction():
        connection.begin()
    if (pipeline := pipeline_of(connection)) is not None:
        from faena.db import packed

        packed.ask(connection, pipeline, text)
        if waits:
            packed.settle(connection, pipeline, text)
        return
    cursor: Any = connection.connection.cursor()
    try:
        cursor.execute(text)
    except connection.dialect.loaded_dbapi.Error as error:
        raise_wrapped(connection, text, error)
    finally:
        cursor.close()


def pipeline_of(connection: sa.Connection) -> Pipeline | None:
    """None where there is none: SQLite needs none, and somebody else's connection waits for each answer."""
    if connection.dialect.name != POSTGRESQL:
        return None
    from faena.db import pipelining

    return pipelining.of(connection.connection.driver_connection)


def _packed(
    compiled: Any, columns: sa.ColumnCollection[Any, Any] | None, dialect: Dialect, own: Parameters
) -> Packed | None:
    from faena.db.packed import Packed

    return Packed(compiled, columns, dialect, own) if Packed.takes(compiled) else None
