"""Logs: segments of bytes, and which streams are the logs of a run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from msgspec import Struct

from faena.db import BigInteger, Integer, Read, Write, metadata
from faena.db.prepared import Prepared
from faena.tracking.model import LOG, LogFile
from faena.tracking.store.packs import Place, index_of_packed, packs, place, place_columns
from faena.tracking.store.streams import streams

segments = sa.Table(
    "log_segments",
    metadata,
    sa.Column("id", Integer, primary_key=True),
    sa.Column("stream_id", sa.ForeignKey(streams.c.id), nullable=False),
    sa.Column("offset", BigInteger, nullable=False),
    sa.Column("length", Integer, nullable=False),
    sa.Column("compressed", sa.Boolean, nullable=False),
    *place_columns(),
    sa.Index("log_segments_by_offset", "stream_id", "offset"),
)
index_of_packed(segments)
"""`offset`, `length`: in the log. Compressed segments are one zstd frame each; the others are the tail."""


class NewSegment(Struct, frozen=True):
    offset: int
    length: int
    compressed: bool
    data: bytes


class Segment(Struct, frozen=True):
    id: int
    offset: int
    length: int
    compressed: bool
    place: Place


class LogRow(Struct, frozen=True):
    stream_id: int
    log: LogFile


_ADD = Prepared(segments.insert())


def add(write: Write, stream_id: int, added: Sequence[NewSegment]) -> None:
    rows = [
        {
            "stream_id": stream_id,
            "offset": segment.offset,
            "length": segment.length,
            "compressed": segment.compressed,
            "data": segment.data,
            "size": len(segment.data),
        }
        for segment in added
    ]
    write.execute(_ADD, rows)


def drop_tail(write: Write, stream_id: int) -> None:
    write.execute(_DROP_TAIL, {"stream_id": stream_id})


_WITH_PLACES = (
    sa.select(segments, packs.c.digest).select_from(segments.outerjoin(packs)).order_by(segments.c.offset)
)
_STREAM: sa.BindParameter[int] = sa.bindparam("stream_id")
_COVERING = Prepared(
    _WITH_PLACES.where(
        segments.c.stream_id == _STREAM,
        segments.c.offset < sa.bindparam("stop"),
        segments.c.offset + segments.c.length > sa.bindparam("start"),
    )
)
_TAIL = Prepared(_WITH_PLACES.where(segments.c.stream_id == _STREAM, ~segments.c.compressed))
_WITH_TAIL = Prepared(
    sa.select(streams.c.id).where(
        streams.c.run_id == sa.bindparam("of_run"),
        streams.c.attempt == sa.bindparam("of_attempt"),
        streams.c.tail_segments > sa.literal_column("0"),
    )
)
_TAIL_START = Prepared(
    sa.select(sa.func.coalesce(streams.c.kept, streams.c.offset) - streams.c.tail_bytes).where(
        streams.c.id == _STREAM
    )
)
_FORGET_TAIL = Prepared(streams.update().where(streams.c.id == _STREAM).values(tail_segments=0, tail_bytes=0))
_DROP_TAIL = Prepared(segments.delete().where(segments.c.stream_id == _STREAM, ~segments.c.compressed))


def covering(read: Read, stream_id: int, start: int, stop: int) -> list[Segment]:
    """The segments that hold bytes of [start, stop), by offset."""
    return _segments(read.execute(_COVERING, {"stream_id": stream_id, "start": start, "stop": stop}))


def tail(read: Read, stream_id: int) -> list[Segment]:
    return _segments(read.execute(_TAIL, {"stream_id": stream_id}))


_OF_RUN = Prepared(
    sa.select(
        streams.c.id,
        streams.c.stream,
        streams.c.attempt,
        streams.c.rank,
        streams.c.offset,
        streams.c.kept,
        streams.c.sealed,
    )
    .where(
        streams.c.run_id == sa.bindparam("run_id"),
        streams.c.deletion.is_(None),
        streams.c.stream >= sa.bindparam("first"),
        streams.c.stream <= sa.bindparam("last"),
    )
    .order_by(streams.c.stream, streams.c.attempt.desc(), streams.c.rank)
)
_AFTER_LOGS = LOG[:-1] + chr(ord(LOG[-1]) + 1)
"""The text that comes after all that begin as the streams of logs do."""


def of_run(read: Read, run_id: str, *, name: str | None = None) -> list[LogRow]:
    """All logs of all attempts and ranks: by name, the latest attempt first, then the lowest rank."""
    first, last = (LOG, _AFTER_LOGS) if name is None else (LOG + name, LOG + name)
    return [
        LogRow(
            row.id,
            LogFile(row.stream.removeprefix(LOG), row.attempt, row.rank, _kept(row), bool(row.sealed)),
        )
        for row in read.execute(_OF_RUN, {"run_id": run_id, "first": first, "last": last})
    ]


def _kept(row: sa.Row[Any]) -> int:
    """Bytes of the log that are kept."""
    kept: int = row.offset if row.kept is None else row.kept
    return kept


def tails(read: Read, run_id: str, attempt: int) -> list[int]:
    """Ids of the attempt's logs that have a tail."""
    return read.execute(_WITH_TAIL, {"of_run": run_id, "of_attempt": attempt}).scalars()


def tail_start(read: Read, stream_id: int) -> int:
    return int(read.execute(_TAIL_START, {"stream_id": stream_id}).scalar())


def forget_tail(write: Write, stream_id: int) -> None:
    """It has become a compressed segment."""
    write.execute(_FORGET_TAIL, {"stream_id": stream_id})


def _segments(rows: Iterable[Any]) -> list[Segment]:
    return [Segment(row.id, row.offset, row.length, bool(row.compressed), place(row)) for row in rows]
