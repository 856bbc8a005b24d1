"""A reader of spool files, written from docs/attempts.md alone, to test the writer against."""

from __future__ import annotations

import json
import struct
import zlib
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

MAGIC = b"\xfa\xe1"


@dataclass
class Spool:
    points: dict[str, list[tuple[float | int, int | None]]] = field(default_factory=lambda: defaultdict(list))
    """(value, step) by metric name, in the order of each file."""
    times: list[int] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    hellos: list[dict[str, Any]] = field(default_factory=list)
    ends: list[dict[str, Any]] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)
    bad_bytes: int = 0

    def values(self, name: str) -> list[float | int]:
        return [value for value, _ in self.points[name]]


def read_folder(folder: Path) -> Spool:
    spool = Spool()
    for path in sorted(folder.glob("*.spool")):
        spool.files.append(path)
        _read(path.read_bytes(), spool)
    return spool


def _read(data: bytes, spool: Spool) -> None:
    names: dict[int, str] = {}
    at, first = 0, True
    while at + 12 <= len(data):
        kind, length = data[at + 2], struct.unpack_from("<I", data, at + 4)[0]
        payload = data[at + 12 : at + 12 + length]
        crc = struct.unpack_from("<I", data, at + 8)[0]
        whole = data[at : at + 2] == MAGIC and data[at + 3] == 0 and len(payload) == length
        if not whole or zlib.crc32(data[at : at + 8] + payload) != crc:
            following = data.find(MAGIC, at + 1)
            spool.bad_bytes += (following if following > 0 else len(data)) - at
            if following < 0:
                return
            at = following
            continue
        assert not first or kind == 5, "the first frame of a file is HELLO"
        first = False
        _take(kind, payload, names, spool)
        at += 12 + length
    spool.bad_bytes += len(data) - at


def _take(kind: int, payload: bytes, names: dict[int, str], spool: Spool) -> None:
    if kind == 1:
        number, name = struct.unpack_from("<I", payload)[0], payload[4:].decode()
        assert names.get(number, name) == name, "an id never changes its name"
        names[number] = name
    elif kind in (2, 3):
        at, step, value, number = struct.unpack("<qqdI" if kind == 2 else "<qqqI", payload)
        spool.times.append(at)
        spool.points[names[number]].append((value, None if step == -(2**63) else step))
    elif kind == 4:
        spool.events.append(json.loads(payload))
    elif kind == 5:
        spool.hellos.append(json.loads(payload))
    elif kind == 6:
        spool.ends.append(json.loads(payload))
    else:
        raise AssertionError(f"unknown kind {kind}")
