"""TFRecord: `length u64 | masked CRC32C of it u32 | data | masked CRC32C of the data u32`, little-endian."""

from __future__ import annotations

import struct
from functools import cache

HEADER = 12
FOOTER = 4
_LENGTH = struct.Struct("<QI")
_POLYNOMIAL = 0x82F63B78


class Damaged(ValueError):
    """What is there is no such record."""


def data_length(header: bytes) -> int:
    """Of the record that begins with these 12 bytes. Raises Damaged: nobody knows where the next one begins, either."""
    length, crc = _LENGTH.unpack(header)
    if masked_crc(header[:8]) != crc:
        raise Damaged
    return int(length)


def check(data: bytes, footer: bytes) -> None:
    """Raises Damaged; the next record is not touched by it."""
    if masked_crc(data) != int.from_bytes(footer, "little"):
        raise Damaged


def framed(data: bytes) -> bytes:
    """A record that holds `data`."""
    length = len(data).to_bytes(8, "little")
    return b"".join(
        (
            length,
            masked_crc(length).to_bytes(4, "little"),
            data,
            masked_crc(data).to_bytes(4, "little"),
        )
    )


def masked_crc(data: bytes) -> int:
    crc, table = 0xFFFFFFFF, _table()
    for octet in data:
        crc = table[(crc ^ octet) & 0xFF] ^ (crc >> 8)
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


@cache
def _table() -> tuple[int, ...]:
    found = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (_POLYNOMIAL if value & 1 else 0)
        found.append(value)
    return tuple(found)
