"""Keeps the bytes of logs: compressed segments of one size, and a tail of small ones that become the next."""

from __future__ import annotations

from faena.db import Write
from faena.tracking import codec
from faena.tracking.store import logs, streams
from faena.tracking.store.logs import NewSegment
from faena.tracking.store.packs import Opened
from faena.tracking.store.streams import Stream

SEGMENT = 256 << 10
"""Bytes of a log that are compressed together."""
_MOST_SEGMENTS = 128


def append(write: Write, stream: Stream, data: bytes) -> None:
    """Keep the bytes that follow the stream's offset, and advance it."""
    size, count = stream.tail_bytes + len(data), stream.tail_segments + 1
    start = stream.offset
    reached = stream.offset + len(data)
    if size >= SEGMENT or count >= _MOST_SEGMENTS:
        if stream.tail_segments:
            data = tail_of(write, stream.id) + data
            logs.drop_tail(write, stream.id)
            start -= stream.tail_bytes
        full = len(data) - len(data) % SEGMENT
        pieces = [compressed(start + at, data[at : at + SEGMENT]) for at in range(0, full, SEGMENT)]
        logs.add(write, stream.id, pieces)
        start, data = start + full, data[full:]
        size, count = len(data), min(len(data), 1)
    if data:
        logs.add(write, stream.id, [NewSegment(start, len(data), False, data)])
    streams.advance(write, stream, reached, tail=(count, size))


def tail_of(write: Write, stream_id: int) -> bytes:
    with Opened(None) as opened:  # a tail is in the database: only compressed segments are ever packed
        return b"".join(opened.bytes(segment.place) for segment in logs.tail(write, stream_id))


def compressed(offset: int, data: bytes) -> NewSegment:
    return NewSegment(offset, len(data), True, codec.compress(data))
