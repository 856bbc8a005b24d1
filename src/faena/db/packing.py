"""Values as PostgreSQL takes them in binary: one by one, or an array for a whole column.

The driver's own packing of arrays goes through their values one by one.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.types import TypeEngine

from faena.db.columns import beyond_64_bits
from faena.db.parameters import Convert

_SIZES = {"?": 1, "q": 8, "d": 8}
_NONE = struct.pack(">i", -1)


class Kind(Struct, frozen=True):
    """Of a column, as PostgreSQL has it: its name, its number and that of arrays of it."""

    name: str
    number: int
    of_arrays: int
    packed: str = ""
    """By what `struct` packs a value; empty: it is bytes already, or text."""

    def packing(self, convert: Convert | None) -> Callable[[Any], bytes | None]:
        """Of a value, after what the type of its column does to it. What it gives raises Unstorable."""
        pack: Convert = struct.Struct(f">{self.packed}").pack if self.packed else _plain

        def packed(value: Any) -> bytes | None:
            if convert is not None:
                value = convert(value)
            if value is None:
                return None
            try:
                return pack(value)  # type: ignore[no-any-return]  # bytes
            except struct.error:
                raise beyond_64_bits() from None

        return packed

    def array(self, values: Sequence[Any]) -> bytes:
        has_none = None in values
        head = struct.pack(">iIIii", 1, has_none, self.number, len(values), 1)
        if not self.packed:
            return head + b"".join(_with_size(None if each is None else _plain(each)) for each in values)
        size = _SIZES[self.packed]
        if not has_none:
            both = [part for value in values for part in (size, value)]
            return head + struct.pack(">" + f"i{self.packed}" * len(values), *both)
        packed = struct.Struct(f">i{self.packed}").pack
        return head + b"".join(_NONE if value is None else packed(size, value) for value in values)


def kind_of(given: TypeEngine[Any]) -> Kind | None:
    """None where its values are not packed here."""
    of = given.impl_instance if isinstance(given, sa.types.TypeDecorator) else given
    return next((found for kind, found in _KINDS if isinstance(of, kind)), None)


def _plain(value: Any) -> bytes:
    return value.encode() if isinstance(value, str) else value


def _with_size(value: bytes | None) -> bytes:
    return _NONE if value is None else struct.pack(">i", len(value)) + value


WHOLE = Kind("bigint", 20, 1016, "q")
TEXT = Kind("text", 25, 1009)
_KINDS: Sequence[tuple[type[TypeEngine[Any]], Kind]] = (
    (sa.Boolean, Kind("boolean", 16, 1000, "?")),
    (sa.LargeBinary, Kind("bytea", 17, 1001)),
    (sa.Integer, WHOLE),
    (sa.Double, Kind("double precision", 701, 1022, "d")),
    (sa.String, TEXT),
)
