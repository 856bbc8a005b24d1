"""However the bytes of a conversation are cut into reads, its answers are the same."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from faena.scoring.desired import Limits
from faena.scoring.http.bounds import Bounds
from faena.scoring.http.connection import Connection
from faena.scoring.http.shared import Shared
from tests.scoring.listening import Echo, request

CHUNKED = b"POST /echo HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n"
UPGRADE = "Connection: Upgrade\r\nUpgrade: h2c\r\n"
PARTS = [
    request(body=b"one"),
    request(body=b"one"),
    request("/echo?x=1", b"\r\n\r\n" * 5),
    request("/echo", method="GET"),
    request("/large?10", method="HEAD"),
    request("/refused", b"no"),
    request(body=b"abc", headers=UPGRADE),
    CHUNKED + b"3\r\nabc\r\n1;a=b\r\nd\r\n0\r\nTrailer: x\r\n\r\n",
    b"\r\n" + request(body=b"after an empty line"),
]
LAST = [
    b"",
    request(body=b"last", headers="Connection: close\r\n"),
    request(body=b"last", headers="Connection: close\r\n") + request(body=b"never"),
    b"nonsense\r\n\r\n",
    CHUNKED + b"zz\r\n",
    request(body=b"x" * 2000),
    b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n1",
    b"GET /" + b"x" * 3000,
]


class Wire(asyncio.Transport):
    """What a connection writes."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.closed = self.ended = False

    def write(self, data: Any) -> None:
        assert not self.closed
        assert not self.ended
        self.written += data

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.ended = True

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def get_write_buffer_size(self) -> int:
        return 0

    def pause_reading(self) -> None:
        raise AssertionError("everything is answered at once")


def answers(reads: list[bytes]) -> tuple[bytes, bool]:
    application, wire = Echo(), Wire()
    bounds = Bounds.of(Limits(body_bytes=1000, header_bytes=2000))
    shared = Shared(application, bounds, lambda: 0.0)
    connection = Connection(shared, lambda _: None, lambda _: None)
    connection.connection_made(wire)
    for data in reads:
        if wire.closed:
            break
        shared.buffer[: len(data)] = data
        connection.buffer_updated(len(data))
    assert shared.held == 0
    lines = [line for line in wire.written.split(b"\r\n") if not line.startswith(b"date: ")]
    return b"\r\n".join(lines), wire.closed or wire.ended


@given(
    st.lists(st.sampled_from(PARTS), max_size=8),
    st.sampled_from(LAST),
    st.lists(st.integers(min_value=1, max_value=4000), max_size=30),
)
def test_cuts_change_nothing(parts: list[bytes], last: bytes, cuts: list[int]) -> None:
    sent = b"".join(parts) + last
    places = sorted({0, *(cut for cut in itertools.accumulate(cuts) if cut < len(sent)), len(sent)})
    cut = [sent[start:end] for start, end in itertools.pairwise(places)]
    whole = [sent] if sent else []
    assert answers(cut) == answers(whole)
    if len(sent) < 3000:
        assert answers([bytes([byte]) for byte in sent]) == answers(whole)
    assert answers(whole)[0].count(b"HTTP/1.1 ") >= len(parts)


def test_one_request_a_read_is_answered_as_many_are() -> None:
    """Which is the way that known heads go."""
    for part in PARTS:
        many = [part] * 5
        assert answers(many) == answers([b"".join(many)])
