"""Requests that a front has kept, read back: whole records only, whatever was killed or full."""

from __future__ import annotations

from pathlib import Path

import msgspec

from faena.endpoints.schemas import KeptRequest
from faena.scoring.keeping import FOLDER

_MOST_BYTES = 64 << 20
"""Of records that are read at once."""


def last(folder: Path, most: int) -> list[KeptRequest]:
    """The last `most` of an endpoint's, in the order in which they were answered."""
    found: list[KeptRequest] = []
    room = _MOST_BYTES
    for path in sorted((folder / FOLDER).glob("*.jsonl"), reverse=True):
        if len(found) >= most or room <= 0:
            break
        try:
            data = path.read_bytes()
        except FileNotFoundError:  # the oldest go
            continue
        for line in reversed(data[: data.rfind(b"\n") + 1].splitlines()):
            room -= len(line)
            if len(found) >= most or room <= 0:
                break
            try:
                found.append(msgspec.json.decode(line, type=KeptRequest))
            except msgspec.DecodeError:
                continue
    return found[::-1]
