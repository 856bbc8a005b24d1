"""All that a server has for whoever watches it."""

from __future__ import annotations

from collections.abc import Callable

from faena.db import Database
from faena.kernel.clock import Clock
from faena.objects.contract import ObjectFiles
from faena.server.operation.gauges import Gauges
from faena.server.operation.metrics import rendered
from faena.server.operation.probes import Readiness
from faena.server.operation.process import LoopLag
from faena.server.operation.requests import Requests


class Watched:
    """Belongs to one event loop."""

    def __init__(
        self,
        database: Database,
        kind: str,
        files: ObjectFiles,
        clock: Clock,
        is_broken: Callable[[], bool],
    ) -> None:
        """`kind`: of the database. `is_broken`: whether a part of the server has ended that should not."""
        self.requests = Requests()
        self.lag = LoopLag()
        self.readiness = Readiness(database, files, clock, is_broken)
        self._database = database
        self._kind = kind
        self._gauges = Gauges(database, clock)

    async def metrics(self) -> bytes:
        found = await self._gauges.look()
        return rendered(self.requests, self._database.counts, found, self.lag, self._kind)
