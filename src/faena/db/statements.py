"""Statements that SQLite and PostgreSQL spell differently, said once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from faena.db.columns import POSTGRESQL, Text
from faena.db.prepared import Prepared
from faena.db.transactions import Write

_ESCAPE = "!"


def upsert(
    write: Write,
    table: sa.Table,
    rows: Mapping[str, Any] | Sequence[Mapping[str, Any]],
    *,
    update: Sequence[str] = (),
    key: Sequence[str] = (),
) -> None:
    """Insert rows; of one whose `key` (the primary key unless told) is there, set the columns `update`, if any.

    Several rows go in the order of their keys, so that two who write the same rows at once never wait for each other
    in a circle.
    """
    names = tuple(key) or tuple(column.name for column in table.primary_key)
    given = (
        [rows] if isinstance(rows, Mapping) else sorted(rows, key=lambda row: [row[name] for name in names])
    )
    if given:
        statement = _upsert(write.connection.dialect.name, table, names, tuple(update))
        write.execute(statement, given[0] if len(given) == 1 else given)


@cache
def _upsert(dialect: str, table: sa.Table, key: tuple[str, ...], update: tuple[str, ...]) -> Prepared:
    if dialect == POSTGRESQL:
        from sqlalchemy.dialects import postgresql  # costs a start of the server 20 ms

        new: Any = postgresql.insert(table)
    else:
        from sqlalchemy.dialects import sqlite

        new = sqlite.insert(table)
    if not update:
        return Prepared(new.on_conflict_do_nothing(index_elements=list(key)))
    changed = {name: new.excluded[name] for name in update}
    return Prepared(new.on_conflict_do_update(index_elements=list(key), set_=changed))


def like(value: sa.ColumnElement[str], pattern: str) -> sa.ColumnElement[bool]:
    r"""Whether a text matches a pattern, the case of the letters A to Z aside.

    `%` is any text, `_` any one character; `\%`, `\_` and `\\` are these characters themselves.
    """
    return _Like(value, sa.literal(_escaped(pattern), Text()))


def like_exactly(value: sa.ColumnElement[str], pattern: str) -> sa.ColumnElement[bool]:
    """As `like`, the case of letters told apart, and without a way to mean `%` and `_` themselves."""
    plain = "".join("\\" + letter if letter == "\\" else letter for letter in pattern)
    glob = "".join(_GLOB.get(letter, letter) for letter in pattern)
    return _LikeExactly(value, sa.literal(_escaped(plain), Text()), sa.literal(glob, Text()))


def has_bytes(column: sa.ColumnElement[bytes], part: bytes) -> sa.ColumnElement[bool]:
    """Whether these are somewhere in the column's."""
    return _HasBytes(column, sa.literal(part, sa.LargeBinary()))


def by_no_index(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """The column, for a comparison by which SQLite is to use no index: it does not know how many rows that would be.

    PostgreSQL does, as long as the column stands there as it is.
    """
    return _ByNoIndex(column)


def json_member(column: sa.ColumnElement[Any], name: str) -> sa.ColumnElement[str]:
    """The text of a member of the JSON object whose bytes a column has; null where there is none."""
    return _JsonMember(column, sa.literal(name, sa.Text))


class _JsonMember(FunctionElement[str]):
    type = sa.Text()
    inherit_cache = True


@compiles(_JsonMember)
def _spell_json_member(element: _JsonMember, compiler: SQLCompiler, **options: Any) -> str:
    column, name = (compiler.process(each, **options) for each in element.clauses)
    if compiler.dialect.name == POSTGRESQL:
        return f"(convert_from({column}, 'UTF8')::json ->> {name})"
    # by its key, since a path has no way to say some
    return f"(SELECT m.value FROM json_each(CAST({column} AS TEXT)) AS m WHERE m.key = {name})"


class _HasBytes(FunctionElement[bool]):
    type = sa.Boolean()
    inherit_cache = True


@compiles(_HasBytes)
def _spell_has_bytes(element: _HasBytes, compiler: SQLCompiler, **options: Any) -> str:
    column, part = (compiler.process(each, **options) for each in element.clauses)
    if compiler.dialect.name == POSTGRESQL:
        return f"(position({part} IN {column}) > 0)"
    return f"(instr({column}, {part}) > 0)"


class _ByNoIndex(FunctionElement[Any]):
    inherit_cache = True

    def __init__(self, column: sa.ColumnElement[Any]) -> None:
        super().__init__(column)
        self.type = column.type


@compiles(_ByNoIndex)
def _spell_by_no_index(element: _ByNoIndex, compiler: SQLCompiler, **options: Any) -> str:
    [column] = (compiler.process(part, **options) for part in element.clauses)
    if compiler.dialect.name == POSTGRESQL:
        return column
    return f"({column} || '')" if isinstance(element.type, sa.String | Text) else f"(+{column})"


_GLOB = {"%": "*", "_": "?", "*": "[*]", "?": "[?]", "[": "[[]"}


class _LikeExactly(FunctionElement[bool]):
    """SQLite's `like` knows no case but its `glob` does."""

    type = sa.Boolean()
    inherit_cache = True


@compiles(_LikeExactly)
def _spell_exactly(element: _LikeExactly, compiler: SQLCompiler, **options: Any) -> str:
    value, pattern, glob = element.clauses
    if compiler.dialect.name == POSTGRESQL:
        spelled = [compiler.process(part, **options) for part in (value, pattern)]
        return f"({spelled[0]} LIKE {spelled[1]} ESCAPE '{_ESCAPE}')"
    spelled = [compiler.process(part, **options) for part in (value, glob)]
    return f"({spelled[0]} GLOB {spelled[1]})"


class _Like(FunctionElement[bool]):
    """Folds A to Z and no other letters: SQLite's `like` does, and PostgreSQL's `ilike` by the collation "C"."""

    type = sa.Boolean()
    inherit_cache = True


@compiles(_Like)
def _spell(element: _Like, compiler: SQLCompiler, **options: Any) -> str:
    value, pattern = (compiler.process(part, **options) for part in element.clauses)
    operator = "ILIKE" if compiler.dialect.name == POSTGRESQL else "LIKE"
    return f"({value} {operator} {pattern} ESCAPE '{_ESCAPE}')"


def _escaped(pattern: str) -> str:
    r"""With an escape of our own, which no driver reads in another way; a `\` before other letters is itself."""
    made: list[str] = []
    letters = iter(pattern)
    for letter in letters:
        following = next(letters, "") if letter == "\\" else ""
        if following in ("%", "_"):
            made.append(_ESCAPE + following)
        elif letter == "\\":
            made.append("\\" + ("" if following in ("", "\\") else _literal(following)))
        else:
            made.append(_literal(letter))
    return "".join(made)


def _literal(letter: str) -> str:
    return _ESCAPE + letter if letter == _ESCAPE else letter
