"""One clock for all processes of a server: that of their database, where a host's own differs from it.

Times that one process keeps are compared by others: a run that one takes, and the one that leads begins; a token that
one makes, and another lets in. Hosts whose clocks are right see nothing of this.
"""

from __future__ import annotations

import asyncio
import logging

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from faena.db import Database, Read
from faena.kernel.clock import Clock, Micros
from faena.kernel.errors import FaenaError

_LEAST = 1_000_000
"""Microseconds by which a clock is off before that counts: hosts with NTP are nearer, and a look takes as long."""
_AGAIN_S = 30.0
_TRIES = 3
_log = logging.getLogger(__name__)


class CommonClock:
    def __init__(self, own: Clock) -> None:
        self._own = own
        self._ahead: Micros = 0

    def now(self) -> Micros:
        return self._own.now() - self._ahead

    def monotonic(self) -> float:
        return self._own.monotonic()

    async def follow(self, database: Database) -> None:
        """Never returns. Whoever has begun goes on while the database does not answer."""
        while True:
            await asyncio.sleep(_AGAIN_S)
            try:
                await self.compare(database)
            except (FaenaError, DBAPIError) as error:
                _log.info("the database's clock was not read: %s", error)

    async def compare(self, database: Database) -> None:
        """Raises FaenaError, DBAPIError."""
        found = [await self._look(database) for _ in range(_TRIES)]
        _, ahead = min(found)
        ahead = ahead if abs(ahead) >= _LEAST else 0
        if abs(ahead - self._ahead) < _LEAST:
            return
        self._ahead = ahead
        if ahead:
            _log.warning(
                "the clock of this host is %.0f s %s that of the database, whose time counts for all processes of this "
                "server: set it right",
                abs(ahead) / 1e6,
                "ahead of" if ahead > 0 else "behind",
            )

    async def _look(self, database: Database) -> tuple[float, Micros]:
        """Seconds that the look took, and by how much this host's clock is ahead."""

        def read(read: Read) -> tuple[float, Micros]:
            began, before = self._own.monotonic(), self._own.now()
            theirs = read.execute(sa.text("SELECT extract(epoch FROM clock_timestamp())")).scalar_one()
            took = self._own.monotonic() - began
            return took, before + int(took * 500_000) - int(theirs * 1_000_000)

        return await database.read_first(read)
