"""A request and its answer on a connection: uvicorn's, with few writes, and whole files past this process.

A small answer is one write: each wakes its reader. Of a file on a connection that is not encrypted the kernel sends the
bytes by itself: by the way that others take, each byte is copied four times.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

SENDS_FILES = "http.response.zerocopysend"
"""Extension of ASGI: the message of this type has a `file` with a descriptor, an `offset`, a `count`, `more_body`."""
_OFFERED: dict[str, dict[str, Any]] = {SENDS_FILES: {}}
_SMALL = 64 << 10
"""Bytes of a body that are copied behind the head."""


class Cycle(RequestResponseCycle):
    def __init__(self, **options: Any) -> None:
        plain = options["transport"]
        options["transport"] = self._joining = _Joining(plain)
        super().__init__(**options)
        self.plain = plain
        self.sending: asyncio.Task[int] | None = None
        """Of a file: to be cancelled before the connection's socket is closed."""
        if plain.get_extra_info("sslcontext") is None:
            self.scope["extensions"] = _OFFERED  # type: ignore[typeddict-item]  # uvicorn knows none

    async def send(self, message: Any) -> None:
        if message["type"] == SENDS_FILES:
            await self._send_file(message["file"], message["offset"], message["count"])
            message = {
                "type": "http.response.body",
                "body": b"",
                "more_body": message.get("more_body", False),
            }
        await super().send(message)

    async def _send_file(self, file: Any, offset: int, count: int) -> None:
        """Silent where the reader has gone, as `send` is."""
        if self.chunked_encoding is not False or count > self.expected_content_length:
            raise RuntimeError(
                "A file is sent in an answer that tells its length, and is no longer than that."
            )
        self.expected_content_length -= count
        self._joining.flush()
        if self.disconnected or self.plain.is_closing():
            return
        loop = asyncio.get_running_loop()
        self.sending = loop.create_task(loop.sendfile(self.plain, file, offset, count, fallback=False))
        try:
            await self.sending
        except OSError:
            self.plain.abort()
        except asyncio.CancelledError:
            if not self.disconnected:  # who sends is to end
                self.sending.cancel()
                raise
        finally:
            self.sending = None


class _Joining:
    """A connection as a cycle writes to it: the head waits for what comes at once, such as a whole body."""

    __slots__ = ("_begun", "_held", "_plain")

    def __init__(self, plain: asyncio.Transport) -> None:
        self._plain = plain
        self._begun = False
        self._held = b""

    def write(self, data: bytes) -> None:
        if not self._begun:
            self._begun, self._held = True, data
            asyncio.get_running_loop().call_soon(self.flush)
        elif not self._held:
            self._plain.write(data)
        elif len(data) <= _SMALL:
            data, self._held = self._held + data, b""
            self._plain.write(data)
        else:
            self.flush()
            self._plain.write(data)

    def flush(self) -> None:
        if self._held:
            data, self._held = self._held, b""
            self._plain.write(data)

    def is_closing(self) -> bool:
        return self._plain.is_closing()

    def close(self) -> None:
        self.flush()
        self._plain.close()
