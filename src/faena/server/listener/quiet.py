"""uvicorn's server, looking once a second at what it looks at ten times: a server at rest does little else."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from types import FrameType

import uvicorn

_TICKS = 10
"""Of uvicorn's own in a second."""


class QuietServer(uvicorn.Server):
    """It leaves at once all the same: whoever sets `should_exit` wakes it, and so does a signal."""

    def __init__(
        self,
        config: uvicorn.Config,
        late: Callable[[float], None] = lambda _: None,
        *,
        drain: float = 0.0,
        told: Callable[[], None] = lambda: None,
    ) -> None:
        """`late` is told each second by how many seconds its look came too late.

        `told` is called at a signal to leave; `drain` seconds later it leaves, or at the next signal.
        """
        self._late = late
        self._drain = drain
        self._told = told
        self._loop = asyncio.get_running_loop()
        self._draining = False
        self._leaving = asyncio.Event()
        super().__init__(config)

    @property
    def should_exit(self) -> bool:
        return self._leaving.is_set()

    @should_exit.setter
    def should_exit(self, value: bool) -> None:
        if value:
            self._leaving.set()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """uvicorn's own raises the signal again when it has left, which would end the process before all is closed."""
        self._told()
        seconds = 0.0 if self._draining else self._drain
        self._draining = True
        self._loop.call_soon_threadsafe(self._loop.call_later, seconds, self._leaving.set)

    async def main_loop(self) -> None:
        ticks = 0
        while not await self.on_tick(ticks):
            began = time.monotonic()
            with suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    await self._leaving.wait()
            self._late(time.monotonic() - began - 1.0)
            ticks += _TICKS
