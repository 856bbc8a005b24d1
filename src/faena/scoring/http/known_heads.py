"""Heads that were parsed before: a client that asks again and again sends the same bytes each time.

Whatever the parser made of them, and refused or not, it would again: so the same bytes are not parsed twice. Only heads
that frame their body by a length, or have none, are kept, and only if they have come twice on one connection.
"""

from __future__ import annotations

from typing import NamedTuple

END = b"\r\n\r\n"
LONGEST = 4096
"""Bytes of a head that is kept."""
_MOST = 512


class KnownHead(NamedTuple):
    method: str
    path: str
    query: bytes
    headers: list[tuple[bytes, bytes]]
    fields: dict[bytes, bytes]
    length: int
    """Of the body."""


class KnownHeads:
    def __init__(self) -> None:
        self._known: dict[bytes, KnownHead] = {}
        self.get = self._known.get

    def add(self, head: bytes, known: KnownHead) -> None:
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known[head] = known
