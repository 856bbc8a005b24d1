"""Protocol buffers' wire format, as far as it is read here: the fields of one message, unknown ones among them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5
_LONGEST = 10
"""Bytes of a varint."""


class Malformed(ValueError):
    """These bytes are no message."""


Bytes = TypeVar("Bytes", bytes, memoryview)
"""Of a `memoryview` nothing is copied, however deep messages lie in messages."""


def fields(data: Bytes) -> Iterator[tuple[int, int | Bytes]]:
    """(number, value): an int of a varint, else the bytes of the value. Raises Malformed. Linear in the bytes."""
    at, size = 0, len(data)
    while at < size:
        key, at = varint(data, at)
        kind = key & 7
        value: int | Bytes
        if kind == VARINT:
            value, at = varint(data, at)
        else:
            if kind == LENGTH:
                width, at = varint(data, at)
            elif kind in (FIXED64, FIXED32):
                width = 8 if kind == FIXED64 else 4
            else:
                raise Malformed
            if at + width > size:
                raise Malformed
            value, at = data[at : at + width], at + width
        yield key >> 3, value


def varint(data: bytes | memoryview, at: int) -> tuple[int, int]:
    """The number that begins there, below 2**64, and where it ends. Raises Malformed."""
    found = 0
    for place, octet in enumerate(data[at : at + _LONGEST]):
        found |= (octet & 0x7F) << 7 * place
        if octet < 0x80:
            return found & 0xFFFFFFFFFFFFFFFF, at + place + 1
    raise Malformed


def signed(value: int) -> int:
    """A varint of type int64 or int32."""
    return value - (1 << 64) if value >> 63 else value
