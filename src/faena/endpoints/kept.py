"""Requests that a front has kept, read back: whole records only, whatever was killed or full."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from pathlib import Path

import msgspec

from faena.endpoints.front_folder import FrontFolder
from faena.endpoints.schemas import KeptRequest


def last(folder: Path, most: int) -> list[KeptRequest]:
    """The last `most` of an endpoint's, in the order in which they were answered."""
    return decoded(FrontFolder(folder).kept_requests(), most)


def decoded(records: Iterable[bytes], most: int) -> list[KeptRequest]:
    """Those of them that can be read, the newest of which comes first in `records` and last here."""
    return list(islice(filter(None, map(_decoded, records)), most))[::-1]


def _decoded(record: bytes) -> KeptRequest | None:
    try:
        return msgspec.json.decode(record, type=KeptRequest)
    except msgspec.DecodeError:
        return None
