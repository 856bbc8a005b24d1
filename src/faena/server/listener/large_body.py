"""Large bodies of requests: their bytes are decrypted into the blocks that the application is given, past the parser.

By the way that all bodies take, each byte of them is copied five times, and each 32 KiB wake the application.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LARGE = 1 << 20
"""Bytes of a body from which on it pays."""
_BLOCK = 2 << 20
_MOST_WAITING = 1
"""Blocks that the application has not asked for yet; then its sender waits."""
_ENCRYPTED = 256 << 10
"""Bytes that are read at once of an encrypted connection, while it brings a large body."""


def size_of(headers: list[tuple[bytes, bytes]]) -> int:
    """Of a body that is told beforehand and sent without being asked for; else 0. The parser has looked at the form."""
    told = {name: value for name, value in headers if name in _TELLING}
    return int(told.get(b"content-length", b"0")) if len(told) == 1 else 0


_TELLING = (b"content-length", b"transfer-encoding", b"expect", b"upgrade")


class LargeBody(asyncio.BufferedProtocol):
    """Takes the place of a connection's protocol for `left` bytes: the rest of its latest request's body.

    `count` hears of what came, and says whether somebody wants it still; `complete` is called when all is there.
    """

    def __init__(
        self,
        connection: HttpToolsProtocol,
        left: int,
        count: Callable[[int], bool],
        complete: Callable[[], None],
    ) -> None:
        self._connection = connection
        self._count = count
        self._complete = complete
        self._cycle = connection.cycle
        self._left = left
        self._ready: deque[bytes | bytearray | memoryview] = deque()
        self._block = bytearray()
        self._filled = 0
        if self._cycle.body:  # what came with the head
            self._ready.append(self._cycle.body)
            self._cycle.body = bytearray()
        self._cycle.message_event.clear()
        self._cycle.receive = self._receive  # type: ignore[method-assign]  # before its task begins
        self._encrypted = getattr(connection.transport, "_ssl_protocol", None)
        self._buffer = _exchange(self._encrypted, bytearray(_ENCRYPTED))
        connection.transport.set_protocol(self)

    def get_buffer(self, sizehint: int) -> memoryview:
        if self._filled == len(self._block):
            self._block, self._filled = bytearray(min(_BLOCK, self._left)), 0
        return memoryview(self._block)[self._filled :]

    def buffer_updated(self, nbytes: int) -> None:
        self._filled += nbytes
        self._left -= nbytes
        is_wanted = self._count(nbytes)
        if self._filled == len(self._block) and is_wanted:
            self._ready.append(self._block)
            if len(self._ready) >= _MOST_WAITING and self._left:
                self._connection.flow.pause_reading()
            self._cycle.message_event.set()
        if not self._left:
            self._end()
            self._complete()

    def eof_received(self) -> bool | None:
        self._connection.eof_received()
        return None

    def connection_lost(self, exc: Exception | None) -> None:
        if self._left and 0 < self._filled < len(self._block):
            self._ready.append(memoryview(self._block)[: self._filled])  # it counts, as far as it came
        self._end()
        self._connection.connection_lost(exc)

    def pause_writing(self) -> None:
        self._connection.pause_writing()

    def resume_writing(self) -> None:
        self._connection.resume_writing()

    def _end(self) -> None:
        _exchange(self._encrypted, self._buffer)
        self._connection.transport.set_protocol(self._connection)

    async def _receive(self) -> Any:
        """What an ASGI application asks, in place of uvicorn's."""
        cycle = self._cycle
        while not (self._ready or cycle.disconnected or cycle.response_complete or not self._left):
            self._connection.flow.resume_reading()
            await cycle.message_event.wait()
            cycle.message_event.clear()
        if cycle.response_complete or (cycle.disconnected and not self._ready):
            return {"type": "http.disconnect"}
        block = self._ready.popleft() if self._ready else b""
        if len(self._ready) < _MOST_WAITING:
            self._connection.flow.resume_reading()
        return {"type": "http.request", "body": block, "more_body": bool(self._left or self._ready)}


def _exchange(encrypted: Any, buffer: bytearray | None) -> bytearray | None:
    """Have asyncio read into another buffer, where it decrypts; the one before."""
    if buffer is None or not hasattr(encrypted, "_ssl_buffer"):
        return None
    before: bytearray = encrypted._ssl_buffer
    encrypted._ssl_buffer, encrypted._ssl_buffer_view = buffer, memoryview(buffer)
    return before
