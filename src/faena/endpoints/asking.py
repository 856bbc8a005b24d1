"""Asks the front of an endpoint over HTTP, as any client, in the event loop and within bounds.

The server does so for who looks at an endpoint and for who tries it: no key leaves the endpoint's folder for that.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import time
from pathlib import Path

from msgspec import Struct

from faena.endpoints.folder import EndpointFolder
from faena.endpoints.model import Endpoint
from faena.kernel.errors import WebserviceException
from faena.kernel.hidden import hiding

_READ = 1 << 16
_LOCAL = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}


class Place(Struct, frozen=True):
    """Where a front listens that lives, and what it wants to see."""

    name: str
    host: str
    port: int
    key: str | None
    tls: bool

    __repr__ = hiding("key")


class Answered(Struct, frozen=True):
    """What a front answered. `size`: of the body, of which `body` is the beginning where it is long."""

    status: int
    headers: dict[str, str]
    body: bytes
    size: int
    is_whole: bool
    seconds: float


def place(workspace: Path, endpoint: Endpoint) -> Place | None:
    """None where no front listens. Reads small files.

    The port is only taken from the process that holds the endpoint's lock: whoever else listens at it gets no key.
    """
    folder = EndpointFolder.of(workspace, endpoint.name)
    said = folder.status()
    if said is None or said.port is None or folder.front_pid() != said.pid:
        return None
    settings = endpoint.settings
    key = folder.keys().primary if settings.auth_enabled else None
    host = _LOCAL.get(settings.host, settings.host)
    return Place(endpoint.name, host, said.port, key, settings.tls is not None)


def nobody(name: str) -> WebserviceException:
    return WebserviceException(f"Nothing answers for {name} now. Its state and its log tell why.")


async def ask(
    where: Place, verb: str, path: str, body: bytes = b"", *, seconds: float, most: int
) -> Answered:
    """`most`: bytes of the answer that are kept. Raises WebserviceException where there is none in so many seconds."""
    began = time.monotonic()
    try:
        async with asyncio.timeout(seconds):
            reader, writer = await asyncio.open_connection(where.host, where.port, ssl=_tls(where))
            try:
                writer.write(_head(where, verb, path, len(body)) + body)
                return await _answer(reader, began, most)
            finally:
                writer.close()
    except TimeoutError:
        raise WebserviceException(
            f"{where.name} did not answer within {seconds:g} seconds. It may still be at work on the request."
        ) from None
    except OSError as error:
        raise WebserviceException(f"Nothing answers for {where.name} now: {error}.") from error


def _tls(where: Place) -> ssl.SSLContext | None:
    """Whose it is, is known by its lock: a certificate for another name is no reason not to show it."""
    if not where.tls:
        return None
    made = ssl.create_default_context()
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    return made


def _head(where: Place, verb: str, path: str, length: int) -> bytes:
    host = f"[{where.host}]" if ":" in where.host else where.host
    lines = [f"{verb} {path} HTTP/1.1", f"Host: {host}:{where.port}", "Connection: close"]
    if where.key is not None:
        lines.append(f"Authorization: Bearer {where.key}")
    if verb == "POST":
        lines += ["Content-Type: application/json", f"Content-Length: {length}"]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


class _Parsed:
    """What an `httptools` parser calls."""

    def __init__(self, most: int) -> None:
        self.headers: dict[str, str] = {}
        self.parts: list[bytes] = []
        self.size = 0
        self.is_whole = False
        self._room = most

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, data: bytes) -> None:
        self.size += len(data)
        if self._room > 0:
            self.parts.append(data[: self._room])
            self._room -= len(data)

    def on_message_complete(self) -> None:
        self.is_whole = True

    @property
    def is_enough(self) -> bool:
        return self.is_whole or self._room <= 0


async def _answer(reader: asyncio.StreamReader, began: float, most: int) -> Answered:
    """Raises WebserviceException where it is none."""
    import httptools  # few servers ask a front

    parsed = _Parsed(most)
    parser = httptools.HttpResponseParser(parsed)
    while not parsed.is_enough:
        data = await reader.read(_READ)
        if not data:
            break
        try:
            parser.feed_data(data)
        except httptools.HttpParserError as error:
            raise WebserviceException(f"The front's answer is no HTTP: {error}.") from error
    if not parsed.is_enough:
        raise WebserviceException("The front closed the connection before its answer was whole.")
    seconds = time.monotonic() - began
    length = parsed.headers.get("content-length", "")
    with contextlib.suppress(ValueError):
        parsed.size = max(parsed.size, int(length))
    return Answered(
        status=parser.get_status_code(),
        headers=parsed.headers,
        body=b"".join(parsed.parts),
        size=parsed.size,
        is_whole=parsed.is_whole,
        seconds=seconds,
    )
