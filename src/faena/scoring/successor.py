"""The front that is to take this one's place: waited for, and given what this one has."""

from __future__ import annotations

import asyncio
import logging
import socket as sockets
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import msgspec

from faena.scoring import handover
from faena.scoring.handover import Channel, Gone
from faena.scoring.http.connection import Connection
from faena.scoring.http.listener import Listener

_log = logging.getLogger(__name__)
_POLL = 0.005
"""Seconds between looks at connections that became idle without telling."""
_SILENT = 20.0
"""Seconds for which a connection of TLS may ask nothing before it is closed."""
_SHAKING_HANDS = 1.0
"""Seconds for those that are none yet."""


class Successor:
    """`ready` is set once it accepts connections, and its workers answer."""

    def __init__(self, folder: Path, lock: Callable[[], int], socket: Callable[[], sockets.socket]) -> None:
        self._folder = folder
        self._lock = lock
        self._socket = socket
        self._channel: Channel | None = None
        self.ready = asyncio.Event()

    async def wait(self) -> None:
        """Until there is one that has come up."""
        try:
            asked = handover.listen(self._folder)
        except OSError as error:
            _log.warning("no other front can take over from this one: %s", error)
            return
        with asked:
            while not self.ready.is_set():
                connected, _ = await asyncio.get_running_loop().sock_accept(asked)
                channel = Channel(connected)
                try:
                    await self._offer(channel)
                except Gone as error:
                    _log.warning("the front that was to take over does not: %s", error)
                    channel.close()
                else:
                    self._channel = channel
                    self.ready.set()

    async def _offer(self, channel: Channel) -> None:
        """Raises Gone."""
        await channel.expect(handover.TAKE)
        await channel.send(handover.LISTENER, self._socket().fileno())
        await channel.expect(handover.READY)

    async def give_place(self) -> None:
        """Raises Gone, as the others do."""
        _log.info("another front takes over")
        await self._there.send(handover.LOCK, self._lock())

    async def give_connections(self, listener: Listener, seconds: float, *, handed: bool) -> None:
        """Each as soon as it is between two requests.

        Those of TLS, whose state cannot be handed, end with the answer to their next request: one that is closed while
        it asks nothing loses whoever sends at that very moment. So only those that ask nothing for long are.
        """
        loop = asyncio.get_running_loop()
        ends = loop.time() + seconds
        if not handed:
            await self._let_end(listener, ends)
            return
        idle: asyncio.Queue[Connection] = asyncio.Queue()
        while listener.connections and loop.time() < ends:
            for connection in listener.connections:
                connection.hand_over(idle.put_nowait)
            try:
                connection = await asyncio.wait_for(idle.get(), _POLL)
            except TimeoutError:
                continue
            await self._give(connection)
            while not idle.empty():
                await self._give(idle.get_nowait())
            await asyncio.sleep(0)

    async def _let_end(self, listener: Listener, ends: float) -> None:
        loop = asyncio.get_running_loop()
        least, patient = loop.time() + _SHAKING_HANDS, min(ends, loop.time() + _SILENT)
        while (listener.connections or loop.time() < least) and loop.time() < ends:
            for connection in listener.connections:
                connection.let_end() if loop.time() < patient else connection.close_soon()
            await asyncio.sleep(_POLL * 4)

    async def _give(self, connection: Connection) -> None:
        transport = connection.transport
        if transport is not None:
            await self._there.send(handover.CONNECTION, transport.get_extra_info("socket").fileno())
            transport.abort()  # which closes this process's descriptor alone

    async def tell(self, recent: Iterable[bytes], counts: dict[str, Any]) -> None:
        for part in recent:
            await self._there.send(handover.RECENT + part)
        await self._there.send(handover.COUNTS + msgspec.json.encode(counts))
        self._there.close()

    @property
    def _there(self) -> Channel:
        assert self._channel is not None
        return self._channel
