"""A connection of a client that speaks HTTP itself, at a small part of a library's costs: the server is measured."""

from __future__ import annotations

import asyncio
import asyncio.sslproto
import hashlib
import ssl
from collections.abc import AsyncIterator, Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from faena.kernel import settings

asyncio.sslproto.SSLProtocol.max_size = 32 << 10  # else 256 KiB a connection, here too


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    """By their names in lower case."""
    body: bytes


class Connection:
    """One, kept open; opened anew where it broke. `close` it where its answer is not waited for any more."""

    def __init__(self, url: str, token: str, fingerprint: str) -> None:
        parts = urlsplit(url)
        self._url = url
        self._host, self._port, self._tls = str(parts.hostname), parts.port, parts.scheme == "https"
        self._fingerprint = fingerprint
        self.token = token
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    def another(self) -> Connection:
        """To the same server, by the same token."""
        return Connection(self._url, self.token, self._fingerprint)

    async def ask(self, verb: str, path: str, body: bytes = b"", token: str = "") -> tuple[int, bytes]:
        """As a runner asks; `token`: another one. Raises EOFError, and OSError, also where the server leaves."""
        headers = {settings.WIRE_HEADER: str(settings.WIRE_VERSION), "Content-Type": "application/json"}
        said = await self.answer(verb, path, body, token or self.token, headers)
        if said.status >= 500 or said.status == 421:
            raise OSError(said.body[:60].decode())
        return said.status, said.body

    async def answer(
        self, verb: str, path: str, body: bytes, token: str, headers: Mapping[str, str]
    ) -> Answer:
        """Raises OSError, EOFError."""
        reader, writer = await self._asked(verb, path, body, token, headers)
        try:
            status, fields = await _head(reader)
            if fields.get("transfer-encoding") == "chunked":
                data = b"".join([part async for part in _chunks(reader)])
            else:
                data = await reader.readexactly(int(fields.get("content-length", "0")))
        except BaseException:
            writer.close()
            raise
        self._streams = reader, writer
        return Answer(status, fields, data)

    async def lines(self, path: str, headers: Mapping[str, str]) -> AsyncIterator[bytes]:
        """Of an answer that goes on. Raises OSError, EOFError."""
        reader, writer = await self._asked("GET", path, b"", "", headers)
        try:
            status, _ = await _head(reader)
            if status != 200:
                raise OSError(f"status {status}")
            rest = b""
            async for part in _chunks(reader):
                *whole, rest = (rest + part).split(b"\n")
                for line in whole:
                    yield line
        finally:
            writer.close()

    async def _asked(
        self, verb: str, path: str, body: bytes, token: str, headers: Mapping[str, str]
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = self._streams or await self._open()
        self._streams = None
        shown = {"Host": f"{self._host}:{self._port}", "Content-Length": str(len(body)), **headers}
        if token:
            shown["Authorization"] = f"Bearer {token}"
        head = "".join(f"{name}: {value}\r\n" for name, value in shown.items())
        writer.write(f"{verb} {path} HTTP/1.1\r\n{head}\r\n".encode() + body)
        return reader, writer

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        context = _context() if self._tls else None
        reader, writer = await asyncio.open_connection(self._host, self._port, ssl=context, limit=1 << 20)
        if self._tls:
            shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
            if hashlib.sha256(shown).hexdigest() != self._fingerprint:
                raise OSError("another certificate than the token names")
        return reader, writer


async def _head(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    said = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    fields = (line.partition(": ") for line in said[1:-2])
    return int(said[0].split(" ", 2)[1]), {name.lower(): value for name, _, value in fields}


async def _chunks(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while size := int((await reader.readline()).strip() or b"0", 16):
        yield (await reader.readexactly(size + 2))[:-2]
    await reader.readline()


_CONTEXTS: list[ssl.SSLContext] = []


def _context() -> ssl.SSLContext:
    if not _CONTEXTS:
        made = ssl.create_default_context()
        made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
        _CONTEXTS.append(made)
    return _CONTEXTS[0]
