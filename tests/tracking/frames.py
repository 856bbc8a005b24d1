"""Writes spool frames, from the description of the format alone."""

from __future__ import annotations

import json
import struct
import zlib
from typing import Any

NONE = -(2**63)


def frame(kind: int, payload: bytes) -> bytes:
    head = struct.pack("<2sBBI", b"\xfa\xe1", kind, 0, len(payload))
    return head + struct.pack("<I", zlib.crc32(head + payload)) + payload


def name(number: int, text: str) -> bytes:
    return frame(1, struct.pack("<I", number) + text.encode())


def number(value: float, number: int = 0, *, time: int = 0, step: int = NONE) -> bytes:
    if isinstance(value, int):
        return frame(3, struct.pack("<qqqI", time, step, value, number))
    return frame(2, struct.pack("<qqdI", time, step, value, number))


def event(op: str, *, time: int = 0, **fields: Any) -> bytes:
    return frame(4, json.dumps({"op": op, "t": time, **fields}).encode())


def hello() -> bytes:
    return frame(5, json.dumps({"version": 1, "pid": 7, "python": "3.8.18", "started": 1}).encode())


def end(dropped: int = 0, *, time: int = 0) -> bytes:
    return frame(6, json.dumps({"t": time, "dropped": dropped}).encode())
