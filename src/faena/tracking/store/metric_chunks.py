"""The points of metrics, in chunks whose bytes lie in the row or in a pack."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa
from msgspec import Struct
from msgspec.structs import replace

from faena.db import BigInteger, Integer, Read, Write, lists, metadata
from faena.db.prepared import Prepared
from faena.kernel.clock import Micros
from faena.tracking.store.metrics import series
from faena.tracking.store.packs import Place, index_of_packed, packs, place, place_columns
from faena.tracking.summary import Summary

chunks = sa.Table(
    "metric_chunks",
    metadata,
    sa.Column("id", Integer, primary_key=True),
    sa.Column("series_id", sa.ForeignKey(series.c.id), nullable=False, index=True),
    sa.Column("tail", sa.Boolean, nullable=False),
    sa.Column("points", Integer, nullable=False),
    sa.Column("first_time", BigInteger, nullable=False),
    sa.Column("last_time", BigInteger, nullable=False),
    sa.Column("min", sa.Double),
    sa.Column("max", sa.Double),
    sa.Column("first_step", BigInteger),
    sa.Column("last_step", BigInteger),
    *place_columns(),
)
index_of_packed(chunks)
"""Ascending ids are the order of arrival. A row never changes but for the place of its bytes; tails are merged."""


class NewChunk(Struct, frozen=True):
    series_id: int
    tail: bool
    points: int
    summary: Summary
    data: bytes
    steps: tuple[int, int] | None = None
    """The least and the greatest step, where all points have one."""


class Chunk(Struct, frozen=True):
    id: int
    tail: bool
    points: int
    place: Place


class ChunkSummary(Struct, frozen=True):
    """What a chart needs of a chunk; steps are None in a tail, and where a point has none."""

    id: int
    points: int
    first_time: int
    last_time: int
    min: float | None
    max: float | None
    first_step: int | None
    last_step: int | None


_ALL = 2**63 - 1
_CHUNK_SUMMARY = [chunks.c[name] for name in ChunkSummary.__struct_fields__]
_ADD_CHUNKS = Prepared(chunks.insert())
_CHUNK_COLUMNS = (
    chunks.c.id,
    chunks.c.tail,
    chunks.c.points,
    chunks.c.data,
    packs.c.digest,
    chunks.c.position,
    chunks.c.size,
)
_OF_SERIES = chunks.c.series_id == sa.bindparam("of_series")
_DROP_TAIL = Prepared(chunks.delete().where(_OF_SERIES, chunks.c.tail))
_IN_ORDER = (
    sa.select(*_CHUNK_COLUMNS)
    .select_from(chunks.outerjoin(packs))
    .where(_OF_SERIES, chunks.c.id > sa.bindparam("after"))
    .order_by(chunks.c.id)
    .limit(sa.bindparam("most"))
)
_CHUNKS = Prepared(_IN_ORDER)
_TAIL = Prepared(_IN_ORDER.where(chunks.c.tail))
_SUMMARIES = lists.prepared_for(
    lambda ids: (
        sa.select(chunks.c.series_id, *_CHUNK_SUMMARY)
        .where(chunks.c.series_id.in_(ids))
        .order_by(chunks.c.series_id, chunks.c.id)
    )
)
_SINCE = lists.prepared_for(
    lambda ids: (
        sa.select(chunks.c.series_id, *_CHUNK_COLUMNS)
        .select_from(chunks.outerjoin(packs))
        .where(
            chunks.c.series_id.in_(ids),
            chunks.c.last_time >= sa.bindparam("first"),
            chunks.c.first_time <= sa.bindparam("last"),
        )
        .order_by(chunks.c.id)
    )
)
_PLACES = lists.prepared_for(
    lambda ids: sa.select(*_CHUNK_COLUMNS).select_from(chunks.outerjoin(packs)).where(chunks.c.id.in_(ids))
)


def of(chunk: NewChunk, series_id: int) -> NewChunk:
    """The same of another metric."""
    return replace(chunk, series_id=series_id)


def add(write: Write, added: Sequence[NewChunk]) -> None:
    write.execute(_ADD_CHUNKS, _rows(added))


def add_packed(write: Write, added: Sequence[NewChunk], pack_id: int, positions: Sequence[int]) -> None:
    """Chunks whose bytes are in a pack already, each at its position."""
    rows = zip(_rows(added), positions, strict=True)
    write.execute(
        _ADD_CHUNKS,
        [{**row, "data": None, "pack_id": pack_id, "position": position} for row, position in rows],
    )


def _rows(added: Sequence[NewChunk]) -> list[dict[str, Any]]:
    return [
        {
            "series_id": chunk.series_id,
            "tail": chunk.tail,
            "points": chunk.points,
            "first_time": chunk.summary.first_time,
            "last_time": chunk.summary.last_time,
            "min": chunk.summary.min,
            "max": chunk.summary.max,
            "first_step": chunk.steps and chunk.steps[0],
            "last_step": chunk.steps and chunk.steps[1],
            "data": chunk.data,
            "size": len(chunk.data),
        }
        for chunk in added
    ]


def of_series(
    read: Read, series_id: int, *, tail: bool = False, after: int = 0, limit: int | None = None
) -> list[Chunk]:
    """In the order of arrival; the tail alone on request; `limit` at most of those that follow the chunk `after`."""
    statement = _TAIL if tail else _CHUNKS
    most = _ALL if limit is None else limit
    found = read.execute(statement, {"of_series": series_id, "after": after, "most": most})
    return [Chunk(row.id, row.tail, row.points, place(row)) for row in found]


def summaries_of(read: Read, series_id: int) -> list[ChunkSummary]:
    """Of all chunks, in the order of arrival; none of their bytes is read."""
    query = sa.select(*_CHUNK_SUMMARY).where(chunks.c.series_id == series_id).order_by(chunks.c.id)
    return [ChunkSummary(*tuple(row)) for row in read.execute(query)]


def summaries_of_many(read: Read, series_ids: Sequence[int]) -> dict[int, list[ChunkSummary]]:
    """As `summaries_of`, by metric."""
    found: dict[int, list[ChunkSummary]] = {}
    for number, *row in lists.execute(read, _SUMMARIES, series_ids):
        found.setdefault(number, []).append(ChunkSummary(*row))
    return found


def between(read: Read, series_ids: Sequence[int], first: Micros, last: Micros) -> list[tuple[int, Place]]:
    """(metric, where its bytes are) of the chunks that may hold points of these times."""
    found = lists.execute(read, _SINCE, series_ids, given={"first": first, "last": last})
    return [(row.series_id, place(row)) for row in found]


def latest(read: Read, run_id: str, attempt: int) -> Micros | None:
    """Of all points of an attempt's metrics."""
    query = sa.select(sa.func.max(chunks.c.last_time)).join(series, series.c.id == chunks.c.series_id)
    found: Micros | None = read.execute(
        query.where(series.c.run_id == run_id, series.c.attempt == attempt)
    ).scalar()
    return found


def places_of(read: Read, ids: Sequence[int]) -> dict[int, Place]:
    """Where the bytes of these chunks are."""
    return {row.id: place(row) for row in lists.execute(read, _PLACES, ids)}


def drop_tails(write: Write, series_ids: Collection[int]) -> None:
    write.execute(_DROP_TAIL, [{"of_series": number} for number in series_ids])
