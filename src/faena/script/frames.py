"""The frames of a spool, as docs/attempts.md describes them: what a record is in bytes."""

from __future__ import annotations

import os
import struct
import sys
from time import time_ns
from zlib import crc32

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

VERSION = 1
NAME, FLOAT, INT, EVENT, HELLO, END = 1, 2, 3, 4, 5, 6
NO_STEP = -(2**63)
_HEADER = struct.Struct("<2sBBI")
_CRC = struct.Struct("<I")
_MAGIC = b"\xfa\xe1"
POINT_BYTES = 28

POINT_FRAME = 40
"""Bytes of a FLOAT or INT frame."""
pack_point = struct.Struct("<8sI28s").pack
"""(first 8 bytes of the header, CRC, payload) → frame of a point."""

_float_header = _HEADER.pack(_MAGIC, FLOAT, 0, POINT_BYTES)
_int_header = _HEADER.pack(_MAGIC, INT, 0, POINT_BYTES)
AS_FLOAT = (struct.Struct("<qqdI").pack, _float_header, crc32(_float_header))
AS_INT = (struct.Struct("<qqqI").pack, _int_header, crc32(_int_header))
PACKERS: dict[type, tuple[Any, bytes, int]] = {float: AS_FLOAT, int: AS_INT}
"""Type of a value → (packer of time, step, value, name id; header; CRC of the header). `values` adds numpy's."""


def frame(kind: int, payload: bytes) -> bytes:
    """A whole frame: header, CRC, payload."""
    header = _HEADER.pack(_MAGIC, kind, 0, len(payload))
    return header + _CRC.pack(crc32(payload, crc32(header))) + payload


def definition(name: str, name_id: int) -> bytes:
    """The frame that gives a name its id in this file."""
    return frame(NAME, _CRC.pack(name_id) + name.encode())


def hello() -> bytes:
    """The first frame of each file."""
    text = '{{"version": {}, "pid": {}, "python": "{}.{}.{}", "started": {}}}'
    return frame(HELLO, text.format(VERSION, os.getpid(), *sys.version_info[:3], time_ns() // 1000).encode())


def point_frame(name_id: int, value: float, step: int | None) -> bytes:
    """One point, logged now; `value` is a float or an int within 64 bits."""
    pack, header, seed = PACKERS[type(value)]
    payload = pack(time_ns() // 1000, NO_STEP if step is None else step, value, name_id)
    return pack_point(header, crc32(payload, seed), payload)
