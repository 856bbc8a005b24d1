"""Many rows in one statement of PostgreSQL: an array for each column, in place of a message for each row."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from msgspec import Struct
from psycopg.adapt import Dumper
from psycopg.pq import Format
from sqlalchemy.types import TypeEngine

_PARAMETER = re.compile(r"%\((\w+)\)s(?:::[A-Z]+(?: [A-Z]+)*)?")
_INSERT = re.compile(r"(INSERT INTO \S+ \([^()]+\)) VALUES \((.+?)\)( ON CONFLICT \(([^()]+)\) DO .+)?")
_UPDATE = re.compile(r"(UPDATE \S+ SET .+) WHERE (.+)")
_LIST = re.compile(r"(?<! NOT) IN \(((?:%\(list\d+_\d+\)s(?:::[A-Z]+(?: [A-Z]+)*)?(?:, )?)+)\)")
_OTHER = re.compile(r"\b(?:SELECT|RETURNING|WHERE|FROM)\b")


class _Kind(Struct, frozen=True):
    """Of a column, as PostgreSQL has it: its name, its number and that of arrays of it."""

    name: str
    number: int
    of_arrays: int
    packed: str = ""
    """By what `struct` packs a value; empty: it is bytes already, or text."""


_BOOLEAN = _Kind("boolean", 16, 1000, "?")
_BYTES = _Kind("bytea", 17, 1001)
_WHOLE = _Kind("bigint", 20, 1016, "q")
_TEXT = _Kind("text", 25, 1009)
_DOUBLE = _Kind("double precision", 701, 1022, "d")
_SIZES = {"?": 1, "q": 8, "d": 8}


class Array(Struct, frozen=True):
    kind: _Kind
    values: Sequence[Any]


class ArrayDumper(Dumper):
    """Packs an array whole: the driver's own goes through its values one by one."""

    format = Format.BINARY

    def get_key(self, obj: Any, format: Any) -> Any:  # noqa: A002  its name there
        return self.cls, obj.kind.of_arrays

    def upgrade(self, obj: Any, format: Any) -> Dumper:  # noqa: A002  its name there
        made = ArrayDumper(self.cls)
        made.oid = obj.kind.of_arrays
        return made

    def dump(self, obj: Any) -> bytes:
        kind, values = obj.kind, obj.values
        has_none = None in values
        head = struct.pack(">iIIii", 1, has_none, kind.number, len(values), 1)
        if not kind.packed:
            found = [
                None if each is None else each.encode() if isinstance(each, str) else each for each in values
            ]
            return head + b"".join(map(_with_size, found))
        size = _SIZES[kind.packed]
        if not has_none:
            both = [part for value in values for part in (size, value)]
            return head + struct.pack(">" + f"i{kind.packed}" * len(values), *both)
        packed = struct.Struct(f">i{kind.packed}").pack
        return head + b"".join(_NONE if value is None else packed(size, value) for value in values)


_NONE = struct.pack(">i", -1)


def _with_size(value: bytes | None) -> bytes:
    return _NONE if value is None else struct.pack(">i", len(value)) + value


class Together(Struct, frozen=True):
    """One statement for many rows."""

    text: str
    kinds: Mapping[str, _Kind]
    """Of its parameters, by name, in their order."""
    key: Sequence[str]
    """Parameters that tell the rows apart that are changed; empty: none is."""

    def parameters(self, rows: Sequence[Mapping[str, Any]]) -> list[Array] | None:
        """None where two rows change the same: PostgreSQL would take one of them, or none."""
        if self.key and len({tuple(row[name] for name in self.key) for row in rows}) < len(rows):
            return None
        return [Array(kind, [row[name] for row in rows]) for name, kind in self.kinds.items()]


class Lists(Struct, frozen=True):
    """A statement with an array in the place of each list of parameters: one text for lists of any length."""

    text: str
    parts: Mapping[str, Sequence[str]]
    """The parameters of each list, by the name of its array."""
    kinds: Mapping[str, _Kind]

    def parameters(self, given: Mapping[str, Any]) -> dict[str, Any]:
        values = dict(given)
        for name, parts in self.parts.items():
            values[name] = Array(self.kinds[name], [values.pop(part) for part in parts])
        return values


def with_lists(text: str, types: Mapping[str, TypeEngine[Any]]) -> Lists | None:
    """Of a statement of `faena.db.lists`; None where it has none of its lists."""
    found: dict[str, Sequence[str]] = {}
    kinds: dict[str, _Kind] = {}

    def put(match: re.Match[str]) -> str:
        parts = _PARAMETER.findall(match[1])
        name = parts[0].partition("_")[0]
        if (kind := _kind(types[parts[0]])) is None or found.get(name, parts) != parts:
            return match[0]
        found[name], kinds[name] = parts, kind
        return f" = ANY (%({name})s::{kind.name}[])"

    made = _LIST.sub(put, text)
    if not found or any(
        name in made for parts in found.values() for name in (f"%({parts[0]})", f"%({parts[-1]})")
    ):
        return None
    return Lists(made, found, kinds)


def together(text: str, types: Mapping[str, TypeEngine[Any]]) -> Together | None:
    """Of a statement for one row; None where it is not of that kind. `types`: of its parameters."""
    names = list(dict.fromkeys(_PARAMETER.findall(text)))
    kinds = {name: kind for name in names if (kind := _kind(types[name])) is not None}
    if len(kinds) < len(names) or not names:
        return None
    text = " ".join(text.split())
    arrays = ", ".join(f"%s::{kind.name}[]" for kind in kinds.values())
    if (found := _INSERT.fullmatch(text)) is not None:
        head, row, conflict, key = found.groups(default="")
        if [*_values(row)] != names or _PARAMETER.search(conflict) or _OTHER.search(conflict):
            return None
        changed = [name.strip().strip('"') for name in key.split(",")] if " DO UPDATE " in conflict else []
        if not set(changed) <= set(names):
            return None
        return Together(f"{head} SELECT * FROM unnest({arrays}){conflict}", kinds, changed)
    if (found := _UPDATE.fullmatch(text)) is not None and not any(map(_OTHER.search, found.groups())):
        head, where = (_PARAMETER.sub(r'given."\1"', part) for part in found.groups())
        columns = ", ".join(f'"{name}"' for name in names)
        made = f"{head} FROM unnest({arrays}) AS given ({columns}) WHERE {where}"
        return Together(made, kinds, _PARAMETER.findall(found[2]))
    return None


def _values(row: str) -> Iterator[str]:
    """The parameters of a row of values; an empty name for what is none."""
    for value in row.split(", "):
        found = _PARAMETER.fullmatch(value)
        yield found[1] if found else ""


def _kind(given: TypeEngine[Any]) -> _Kind | None:
    of = given.impl_instance if isinstance(given, sa.types.TypeDecorator) else given
    for kind, found in _KINDS:
        if isinstance(of, kind):
            return found
    return None


_KINDS: Sequence[tuple[type[TypeEngine[Any]], _Kind]] = (
    (sa.Boolean, _BOOLEAN),
    (sa.LargeBinary, _BYTES),
    (sa.Integer, _WHOLE),
    (sa.Double, _DOUBLE),
    (sa.String, _TEXT),
)
