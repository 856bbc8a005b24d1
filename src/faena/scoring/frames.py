"""Frames between a front and its workers; `worker/wire.py` says what they hold."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import msgspec

from faena.scoring.exchange import Request
from faena.scoring.pending import Pending
from faena.scoring.worker import wire

_HEAD_REST = wire.HEAD.size - wire.LENGTH_BYTES
_REPORT_REST = wire.REPORT.size - wire.LENGTH_BYTES
_NEEDED = frozenset({b"content-type", b"inference-header-content-length"})
"""Headers that a protocol looks at; a script that looks at others has all."""
BELL = wire.REPORT.pack(_REPORT_REST, wire.VERSION, wire.BELL, 0)
_LARGEST_REPORT = wire.LARGEST_ANSWER + (1 << 20)


class BadFrame(Exception):
    """What a worker sent is no frame: it, or its script, is damaged."""


class Report(NamedTuple):
    kind: int
    number: int
    data: bytes


def of_requests(
    batch: Sequence[Pending], number: int, described: bool, *, together: bool = False
) -> list[bytes]:
    """The pieces of their frames; the first has the number after `number`, and each learns its own.

    `described`: whether the script looks at more than the body. `together`: they make one batch.
    """
    pieces: list[bytes] = []
    pack = wire.HEAD.pack
    last = number + len(batch)
    for pending in batch:
        number += 1
        pending.number = number
        request = pending.request
        body = request.body
        name = request.request_id.encode()
        kind = pending.kind
        if described or request.method != "POST":
            about = _about(request, request.headers)
        elif kind != wire.SCORE:
            about = _about(request, [each for each in request.headers if each[0] in _NEEDED])
        else:
            about = b""
        length = _HEAD_REST + len(name) + len(about) + len(body)
        if together and number < last:
            kind |= wire.MORE
        pieces.append(
            pack(length, wire.VERSION, kind, len(name), number, pending.deadline, len(about)) + name + about
        )
        pieces.append(body)
    return pieces


def begin(what: dict[str, Any]) -> bytes:
    about = json.dumps(what).encode()
    length = _HEAD_REST + len(about)
    return wire.HEAD.pack(length, wire.VERSION, wire.BEGIN, 0, 0, 0.0, len(about)) + about


STOP = wire.HEAD.pack(_HEAD_REST, wire.VERSION, wire.STOP, 0, 0, 0.0, 0)


def _about(request: Request, headers: list[tuple[bytes, bytes]]) -> bytes:
    about = {
        "method": request.method,
        "path": request.path,
        "query": request.query.decode("latin-1"),
        "headers": [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers],
    }
    return msgspec.json.encode(about)


class Reports:
    """Frames of a worker, out of what comes from its socket piece by piece."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    @property
    def within(self) -> bool:
        """Whether a frame has been begun."""
        return bool(self._buffer)

    def feed(self, data: bytes) -> Iterator[Report]:
        """Those that are whole with `data`. Raises BadFrame."""
        self._buffer += data
        at = 0
        try:
            while len(self._buffer) - at >= wire.REPORT.size:
                length, version, kind, number = wire.REPORT.unpack_from(self._buffer, at)
                if (
                    version != wire.VERSION
                    or kind > wire.LARGE
                    or not _REPORT_REST <= length <= _LARGEST_REPORT
                ):
                    raise BadFrame(f"version {version}, kind {kind}, {length:,} bytes")
                behind = at + wire.LENGTH_BYTES + length
                if behind > len(self._buffer):
                    break
                with memoryview(self._buffer) as view:
                    data = bytes(view[at + wire.REPORT.size : behind])
                at = behind
                yield Report(kind, number, data)
        finally:
            del self._buffer[:at]
