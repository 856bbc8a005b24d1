"""uvicorn's server, looking once a second at what it looks at ten times: a server at rest does little else."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress

import uvicorn

_TICKS = 10
"""Of uvicorn's own in a second."""


class QuietServer(uvicorn.Server):
    """It leaves at once all the same: whoever sets `should_exit` wakes it, a signal within a second."""

    def __init__(self, config: uvicorn.Config, late: Callable[[float], None] = lambda _: None) -> None:
        """`late` is told each second by how many seconds its look came too late."""
        self._late = late
        self._leaving = asyncio.Event()
        super().__init__(config)

    @property
    def should_exit(self) -> bool:
        return self._leaving.is_set()

    @should_exit.setter
    def should_exit(self, value: bool) -> None:
        if value:
            self._leaving.set()

    async def main_loop(self) -> None:
        ticks = 0
        while not await self.on_tick(ticks):
            began = time.monotonic()
            with suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    await self._leaving.wait()
            self._late(time.monotonic() - began - 1.0)
            ticks += _TICKS
