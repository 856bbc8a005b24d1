"""What the head of a request says, beside what the parser makes of it."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from httptools import HttpParserInvalidURLError, parse_url

from faena.scoring.exchange import Answer
from faena.scoring.http import refusals

_READ = frozenset({b"authorization", b"content-length", b"expect", b"host", b"transfer-encoding", b"upgrade"})


class Said(NamedTuple):
    wrong: Answer | None = None
    length: int = 0
    chunked: bool = False
    expects: bool = False
    """100 Continue, before it sends its body."""
    upgrade: bool = False


def read(method: str, version: str, headers: list[tuple[bytes, bytes]]) -> Said:
    """The parser has refused two lengths, and a length beside an encoding."""
    hosts = length = authorizations = 0
    chunked = expects = upgrade = False
    for name, value in headers:
        if name not in _READ:
            continue
        if name == b"host":
            hosts += 1
        elif name == b"authorization":
            authorizations += 1
        elif name == b"content-length":
            length = int(value)
        elif name == b"transfer-encoding":
            chunked = True
            if value.lower() != b"chunked":
                return Said(refusals.encoding(value))
        elif name == b"upgrade":
            upgrade = True
        elif value.lower() != b"100-continue":
            return Said(refusals.expectation(value))
        else:
            expects = version == "1.1"
    if version not in ("1.1", "1.0"):
        return Said(refusals.version(version))
    if method == "CONNECT":
        return Said(refusals.CONNECT)
    if authorizations > 1:
        return Said(refusals.AUTHORIZATIONS)
    if hosts > 1 or (not hosts and version == "1.1"):
        return Said(refusals.hosts(hosts))
    return Said(None, length, chunked, expects, upgrade)


@lru_cache(maxsize=64)
def method(name: bytes) -> str:
    return name.decode()


@lru_cache(maxsize=512)
def _path(path: bytes) -> str:
    return unquote_to_bytes(path).decode("utf-8", "replace")


def target(url: bytes) -> tuple[str, bytes]:
    """Path, decoded, and query."""
    if not url.startswith(b"/"):
        try:
            parts = parse_url(url)
        except HttpParserInvalidURLError:
            return url.decode("latin-1"), b""  # `*`
        return _decoded(parts.path or b"/"), parts.query or b""
    path, _, query = url.partition(b"#")[0].partition(b"?")
    return _decoded(path), query


def _decoded(path: bytes) -> str:
    return _path(path) if len(path) <= 128 else unquote_to_bytes(path).decode("utf-8", "replace")


def without_upgrade(method: str, version: str, url: bytes, headers: list[tuple[bytes, bytes]]) -> bytes:
    """The head of the same request, had it not offered to go on with another protocol."""
    lines = [b"%b %b HTTP/%b\r\n" % (method.encode(), url, version.encode())]
    for name, value in headers:
        if name == b"connection":
            options = [
                each for each in value.split(b",") if each.strip().lower() in (b"close", b"keep-alive")
            ]
            if options:
                lines.append(b"connection: %b\r\n" % b",".join(options))
        elif name != b"upgrade":
            lines.append(b"%b: %b\r\n" % (name, value))
    return b"".join([*lines, b"\r\n"])
