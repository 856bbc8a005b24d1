"""Answers as bytes. Beginnings that come again and again are made once."""

from __future__ import annotations

import time
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus

import msgspec

from faena.scoring.exchange import Answer

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_BODILESS = frozenset({204, 304})
_OURS = frozenset(
    {
        b"connection",
        b"content-length",
        b"content-type",
        b"date",
        b"keep-alive",
        b"transfer-encoding",
        b"upgrade",
    }
)
"""Headers that an answer of a script does not set: they say how its bytes are sent."""


class Dates:
    """The `date` header, which is the same for a second."""

    def __init__(self) -> None:
        self._until = 0.0
        self._line = b""

    def line(self) -> bytes:
        now = time.time()
        if now >= self._until:
            self._until = now // 1 + 1
            self._line = b"date: %b\r\n" % formatdate(now, usegmt=True).encode()
        return self._line


def rendered(answer: Answer, common: bytes, end: bytes, *, bodiless: bool) -> bytes:
    """`common`: header lines. `end`: what the connection says, and the empty line. `bodiless`: to a HEAD request."""
    body = answer.body
    beginning = _beginning(answer.status, answer.content_type)
    if answer.headers:
        common += _lines(answer.headers)
    if answer.status in _BODILESS:
        return b"%b%b%b" % (beginning, common, end)
    return b"%bcontent-length: %d\r\n%b%b%b" % (beginning, len(body), common, end, b"" if bodiless else body)


def refusal(status: int, message: str, headers: tuple[tuple[bytes, bytes], ...] = ()) -> Answer:
    """An error in v1's form."""
    return Answer(status, msgspec.json.encode({"message": message}), headers=headers)


def phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


def _lines(headers: tuple[tuple[bytes, bytes], ...]) -> bytes:
    """Without those that would end their line, and what comes after it be taken for more."""
    kept = [b"%b: %b\r\n" % each for each in headers if each[0].lower() not in _OURS]
    lines = b"".join(kept)
    if lines.count(b"\n") == lines.count(b"\r") == len(kept) and b"\0" not in lines:
        return lines
    return b"".join([line for line in kept if not any(each in line[:-2] for each in (b"\r", b"\n", b"\0"))])


@lru_cache(maxsize=256)
def _beginning(status: int, content_type: bytes) -> bytes:
    unsent = (
        status in _BODILESS or not content_type or any(each in content_type for each in (b"\r", b"\n", b"\0"))
    )
    kind = b"" if unsent else b"content-type: %b\r\n" % content_type
    return b"HTTP/1.1 %d %b\r\n%b" % (status, phrase(status).encode(), kind)
