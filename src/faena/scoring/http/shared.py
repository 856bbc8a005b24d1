"""What the connections of one listener have together."""

from __future__ import annotations

from collections.abc import Callable

from faena.scoring.http.application import Application
from faena.scoring.http.bounds import Bounds
from faena.scoring.http.known_heads import KnownHeads
from faena.scoring.http.responses import Dates

_BUFFER = 64 << 10


class Shared:
    def __init__(self, application: Application, bounds: Bounds, now: Callable[[], float]) -> None:
        self.application = application
        self.bounds = bounds
        self.now = now
        """The loop's time."""
        self.dates = Dates()
        self.buffer = memoryview(bytearray(_BUFFER))
        """Into which all connections read: what it holds is parsed before anybody else does."""
        self.known_heads = KnownHeads()
        self.held = 0
        """Bytes of bodies that come or wait for their answer; not those that came with their head in one small read."""
        self.left_early = 0
        """Clients that closed their connection while a request of theirs was being answered."""
