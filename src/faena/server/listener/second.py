"""A further server of a process that has one."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn


class SecondServer(uvicorn.Server):
    """One whose process has another server, which is the one that listens to signals."""

    def __init__(self, config: uvicorn.Config, *, linger: float = 0.0) -> None:
        """`linger`: seconds in which, when it leaves, those who have just connected may still ask."""
        self._linger = linger
        super().__init__(config)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Who connects from now on waits for the next server, where somebody else holds the socket open, too."""
        if self._linger:
            for server in self.servers:
                server.close()
            # no event tells of a connection that has not said anything yet, or is in its handshake
            await asyncio.sleep(self._linger)
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
