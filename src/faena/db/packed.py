"""Prepared statements as a pipeline of PostgreSQL takes them: parameters are numbers, and their values are packed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache, partial
from typing import Any

import sqlalchemy as sa
from psycopg import Error
from psycopg.pq import Format
from sqlalchemy.engine import Dialect

from faena.db import row_arrays
from faena.db.answers import Found, converting, raise_wrapped
from faena.db.packing import TEXT, WHOLE, Kind, kind_of
from faena.db.parameters import Convert, Parameters, arranging, processor
from faena.db.pipelining import Answer, Pipeline, Statement

_FEWEST = 8
"""Rows for which one statement for all of them pays."""
_PLACE = re.compile(r"%\((\w+)\)s|%%|%s")
_Values = Sequence[bytes | None]


class Packed:
    """Of one set of parameters."""

    def __init__(
        self, compiled: Any, columns: sa.ColumnCollection[Any, Any] | None, dialect: Dialect, own: Parameters
    ) -> None:
        """`compiled`: a statement for this dialect that is taken. `own`: parameters that it brings itself."""
        self._kinds: dict[str, Kind] = {}
        self._converts: dict[str, Convert | None] = {}
        for bound, name in compiled.bind_names.items():
            kind = kind_of(bound.type)
            assert kind is not None
            self._kinds[name], self._converts[name] = kind, processor(bound.type, dialect)
        self._text, self._own = str(compiled), own
        self._columns, self._dialect = columns, dialect
        self._convert: Callable[[Sequence[Any]], list[Any]] | None = None
        self._together: row_arrays.Together | None = None
        lists = None
        if compiled.isinsert or compiled.isupdate or compiled.isdelete:
            self._together = row_arrays.together(self._text, self._kinds)
        else:
            lists = row_arrays.with_lists(self._text, self._kinds)
        if self._together is not None:
            of_arrays = {name: (kind.of_arrays, _BINARY) for name, kind in self._kinds.items()}
            self._many, _ = _numbered(self._together.text, of_arrays)
        as_sent = {name: _as_sent(kind) for name, kind in self._kinds.items()}
        packs: dict[str, Convert | None] = {
            name: kind.packing(self._converts[name]) for name, kind in self._kinds.items()
        }
        for name, parts in lists.parts.items() if lists is not None else ():
            as_sent[name] = self._kinds[parts[0]].of_arrays, _BINARY
            packs[name] = partial(self._array, parts[0])
        self._one, order = _numbered(self._text if lists is None else lists.text, as_sent)
        arrange = arranging({name: packs[name] for name in order}, own, order)
        self._arrange: Callable[[Parameters], _Values] = arrange
        if lists is not None:
            self._arrange = lambda given: arrange(lists.gathered(given))

    @staticmethod
    def takes(compiled: Any) -> bool:
        """Whether values of all its parameters are packed here."""
        return all(kind_of(bound.type) is not None for bound in compiled.bind_names)

    def execute(
        self, connection: sa.Connection, pipeline: Pipeline, given: Parameters | Sequence[Parameters]
    ) -> Found:
        """Nobody has waited for it before its rows are read."""
        if isinstance(given, Mapping):
            return self._execute_one(connection, pipeline, given)
        return self._execute_many(connection, pipeline, given)

    def _execute_one(self, connection: sa.Connection, pipeline: Pipeline, given: Parameters) -> Found:
        try:
            answer = pipeline.send(self._one, self._arrange(given))
        except Error as error:
            raise_wrapped(connection, self._text, error)
        changed = partial(_changed, connection, self._text, [answer])
        return Found(partial(self._rows, connection, answer) if self._columns else [], changed)

    def _execute_many(
        self, connection: sa.Connection, pipeline: Pipeline, given: Sequence[Parameters]
    ) -> Found:
        values = self._arrays(given) if len(given) >= _FEWEST else None
        each = map(self._arrange, given) if values is None else [values]
        statement = self._one if values is None else self._many
        with _raised(connection, self._text):
            answers = [pipeline.send(statement, packed) for packed in each]
        return Found([], partial(_changed, connection, self._text, answers))

    def _rows(self, connection: sa.Connection, answer: Answer) -> list[Any]:
        try:
            found = answer.rows()
        except Error as error:
            raise_wrapped(connection, self._text, error)
        if self._convert is None:
            assert self._columns is not None
            self._convert = converting(self._columns, self._dialect, answer.types())
        return self._convert(found)

    def _arrays(self, given: Sequence[Parameters]) -> _Values | None:
        if self._together is None:
            return None
        rows = [{**self._own, **row} for row in given] if self._own else given
        columns = self._together.columns(rows)
        return None if columns is None else [self._array(name, column) for name, column in columns.items()]

    def _array(self, name: str, values: Sequence[Any]) -> bytes:
        """As the column of this parameter has them."""
        convert = self._converts[name]
        return self._kinds[name].array(values if convert is None else list(map(convert, values)))


def ask(connection: sa.Connection, pipeline: Pipeline, text: str, values: Sequence[str | int] = ()) -> Answer:
    """Of any statement, which is prepared; `%s` stands for each value. It is not waited for."""
    with _raised(connection, text):
        return pipeline.send(
            _asking(text, tuple(map(type, values))), [_PACK[type(each)](each) for each in values]
        )


@lru_cache(256)
def _asking(text: str, types: tuple[type, ...]) -> Statement:
    as_sent = {str(place): _WHOLE if each is int else _TEXT for place, each in enumerate(types, 1)}
    return _numbered(text, as_sent)[0]


_BINARY, _AS_TEXT = int(Format.BINARY), int(Format.TEXT)
_WHOLE, _TEXT = (WHOLE.number, _BINARY), (0, _AS_TEXT)
"""Type and format. Of a text PostgreSQL finds out itself which of its types is meant."""
_PACK: Mapping[type, Callable[[Any], bytes | None]] = {int: WHOLE.packing(None), str: TEXT.packing(None)}


def _as_sent(kind: Kind) -> tuple[int, int]:
    return _TEXT if kind is TEXT else (kind.number, _BINARY)


def _numbered(text: str, as_sent: Mapping[str, tuple[int, int]]) -> tuple[Statement, list[str]]:
    """With `$1` for the first parameter, and so on; and which these are. One without a name is called by its number."""
    numbers: dict[str, int] = {}

    def put(match: re.Match[str]) -> str:
        if match[0] == "%%":
            return "%"
        name = match[1] or str(len(numbers) + 1)
        return f"${numbers.setdefault(name, len(numbers) + 1)}"

    made = _PLACE.sub(put, text).encode()
    types, formats = zip(*(as_sent[name] for name in numbers), strict=True) if numbers else ((), ())
    return Statement(made, types, formats), list(numbers)


def settle(connection: sa.Connection, pipeline: Pipeline, text: str) -> None:
    """As `Pipeline.settle`; `text`: of the statement that is waited for."""
    with _raised(connection, text):
        pipeline.settle()


def _changed(connection: sa.Connection, text: str, answers: Sequence[Answer]) -> int:
    with _raised(connection, text):
        return sum(answer.changed() for answer in answers)


@contextmanager
def _raised(connection: sa.Connection, text: str) -> Iterator[None]:
    try:
        yield
    except Error as error:
        raise_wrapped(connection, text, error)
