"""Sends a request on to the process that leads, as it came, and its answer back, both as they come."""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from collections.abc import Iterable
from contextlib import suppress

import httptools
from litestar.types import HTTPScope, Receive, Send

from faena.db.leading import Place

HEADER = b"x-faena-passed"
"""The key of the one that leads, and the address that whoever asks has; from one of its processes alone."""
_HOP_BY_HOP = {
    *(b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade"),
    *(b"expect", HEADER),
}
_READ = 1 << 16
_CONNECTING_S = 3.0
_MOST_IDLE = 16

Headers = list[tuple[bytes, bytes]]


class NotPassed(Exception):
    """The one that leads could not be asked, and has done nothing; or it has gone before it answered."""

    def __init__(self, why: str, *, may_be_done: bool) -> None:
        super().__init__(why)
        self.may_be_done = may_be_done


class _Connection:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @property
    def is_open(self) -> bool:
        return not (self.reader.at_eof() or self.writer.is_closing())


class Passing:
    """Connections to the one that leads, which are used again. Belongs to one event loop."""

    def __init__(self) -> None:
        self._place: Place | None = None
        self._idle: list[_Connection] = []

    def close(self) -> None:
        while self._idle:
            self._idle.pop().writer.close()

    async def ask(self, place: Place, scope: HTTPScope, receive: Receive, send: Send) -> None:
        """Raises NotPassed before any of the answer was sent, and ConnectionError after that."""
        connection = await self._connection(place)
        answer = _Answer()
        sending = asyncio.create_task(_send_request(connection.writer, place, scope, receive))
        try:
            await self._answered(connection, answer, send)
        finally:
            sending.cancel()
            with suppress(asyncio.CancelledError, OSError):
                await sending
            if answer.is_whole and answer.keeps_alive and sending.done() and not sending.cancelled():
                self._keep(place, connection)
            else:
                connection.writer.close()

    async def _answered(self, connection: _Connection, answer: _Answer, send: Send) -> None:
        parser = httptools.HttpResponseParser(answer)
        answer.parser = parser
        while not answer.is_whole:
            try:
                data = await connection.reader.read(_READ)
                if not data:
                    raise ConnectionResetError("it closed the connection")
                parser.feed_data(data)
            except (OSError, httptools.HttpParserError) as error:
                if answer.has_begun:
                    raise ConnectionError(f"the answer broke off: {error}") from error
                raise NotPassed(f"the connection broke: {error}", may_be_done=True) from error
            await answer.send_on(send)

    async def _connection(self, place: Place) -> _Connection:
        if place != self._place:
            self.close()
            self._place = place
        while self._idle:
            if (kept := self._idle.pop()).is_open:
                return kept
        try:
            async with asyncio.timeout(_CONNECTING_S):
                opened = _Connection(*await asyncio.open_connection(place.host, place.port, ssl=_tls()))
        except (OSError, TimeoutError) as error:
            raise NotPassed(
                f"{place.host}:{place.port} does not answer: {error}", may_be_done=False
            ) from error
        encrypted: ssl.SSLObject = opened.writer.get_extra_info("ssl_object")
        shown = encrypted.getpeercert(binary_form=True) or b""
        if hashlib.sha256(shown).hexdigest() != place.fingerprint:
            opened.writer.close()
            raise NotPassed("somebody else listens there", may_be_done=False)
        return opened

    def _keep(self, place: Place, connection: _Connection) -> None:
        if place == self._place and connection.is_open and len(self._idle) < _MOST_IDLE:
            self._idle.append(connection)
        else:
            connection.writer.close()


class _Answer:
    """What an `httptools` parser calls."""

    parser: httptools.HttpResponseParser

    def __init__(self) -> None:
        self.is_whole = False
        self.has_begun = False
        self.keeps_alive = False
        self._status = 0
        self._headers: Headers = []
        self._parts: list[bytes] = []

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        self._status = self.parser.get_status_code()
        self.keeps_alive = self.parser.should_keep_alive()

    def on_body(self, data: bytes) -> None:
        self._parts.append(data)

    def on_message_complete(self) -> None:
        self.is_whole = True

    async def send_on(self, send: Send) -> None:
        """What has come of it by now."""
        if not self._status:
            return
        if not self.has_begun:
            self.has_begun = True
            headers = _without_hops(self._headers)
            await send({"type": "http.response.start", "status": self._status, "headers": headers})
        body = b"".join(self._parts)
        self._parts.clear()
        if body or self.is_whole:
            await send({"type": "http.response.body", "body": body, "more_body": not self.is_whole})


def _tls() -> ssl.SSLContext:
    """Whose it is, its fingerprint says, which stands in the database."""
    made = ssl.create_default_context()
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    return made


def _without_hops(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    return [(name, value) for name, value in headers if name.lower() not in _HOP_BY_HOP]


async def _send_request(
    writer: asyncio.StreamWriter, place: Place, scope: HTTPScope, receive: Receive
) -> None:
    client = scope.get("client") or ("", 0)
    target = scope["raw_path"] + (b"?" + scope["query_string"] if scope["query_string"] else b"")
    lines = [scope["method"].encode() + b" " + target + b" HTTP/1.1"]
    sent = _without_hops(scope["headers"])
    lengths = [value for name, value in sent if name == b"content-length"]
    is_chunked = not lengths and any(name == b"transfer-encoding" for name, _ in scope["headers"])
    sent.append((HEADER, place.key.encode() + b" " + str(client[0]).encode()))
    if is_chunked:
        sent.append((b"transfer-encoding", b"chunked"))
    lines += [name + b": " + value for name, value in sent]
    writer.write(b"\r\n".join(lines) + b"\r\n\r\n")
    if is_chunked or (lengths and lengths[0] != b"0"):
        await _send_body(writer, receive, is_chunked=is_chunked)
    await writer.drain()


async def _send_body(writer: asyncio.StreamWriter, receive: Receive, *, is_chunked: bool) -> None:
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            writer.close()
            return
        body: bytes = message.get("body", b"")  # type: ignore[assignment]  # of a union of messages
        if body:
            writer.write(b"%x\r\n%b\r\n" % (len(body), body) if is_chunked else body)
            await writer.drain()
        if not message.get("more_body"):
            break
    if is_chunked:
        writer.write(b"0\r\n\r\n")
