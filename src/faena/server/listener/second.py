"""A further server of a process that has one."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

import uvicorn

from faena.server.listener.leaving import OpenRequests
from faena.server.listener.protocol import BoundedProtocol

_FINISHING_S = 10.0
"""Seconds for requests that are being answered when it leaves."""
_LOOK_S = 0.1


class SecondServer(uvicorn.Server):
    """One whose process has another server, which is the one that listens to signals."""

    def __init__(
        self, config: uvicorn.Config, *, linger: float = 0.0, requests: OpenRequests | None = None
    ) -> None:
        """`requests`: waited for when it leaves, but for those that wait for news themselves."""
        self.linger = linger
        """Seconds in which, when it leaves, those who have just connected may still ask."""
        self._requests = requests
        super().__init__(config)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Who connects from now on waits for the next server, where somebody else holds the socket open, too."""
        for server in self.servers:
            server.close()
        cast("type[BoundedProtocol]", self.config.http_protocol_class).waiting.is_leaving = True
        if self.linger:
            # no event tells of a connection that has not said anything yet, or is in its handshake
            await asyncio.sleep(self.linger)
        if self._requests is not None:
            await self._requests.finish(_FINISHING_S)
        await super().shutdown(sockets)

    async def until_nothing_moves(self, seconds: float) -> None:
        """Wait until no large body comes or goes, for so long at most. Requests are taken as ever."""
        until = asyncio.get_running_loop().time() + seconds
        while asyncio.get_running_loop().time() < until:
            if not any(cast(BoundedProtocol, each).is_moving for each in self.server_state.connections):
                return
            await asyncio.sleep(_LOOK_S)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
