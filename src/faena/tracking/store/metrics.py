"""Metrics: a row for each (run, attempt, source, name) with its summary, and chunks of points."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cache
from typing import Any

import sqlalchemy as sa
from msgspec import Struct

from faena.db import BigInteger, Integer, Read, Text, Write, metadata
from faena.db.prepared import Prepared
from faena.tracking.model import SCRIPT
from faena.tracking.store.packs import Place, index_of_packed, packs, place, place_columns
from faena.tracking.summary import Summary

_TOGETHER = 512
"""Names in one query: below every database's limit of parameters."""

series = sa.Table(
    "metric_series",
    metadata,
    sa.Column("id", Integer, primary_key=True),
    sa.Column("run_id", Text, nullable=False),
    sa.Column("attempt", Integer, nullable=False),
    sa.Column("source", Text, nullable=False),
    sa.Column("name", Text, nullable=False),
    sa.Column("latest", sa.Boolean, nullable=False),
    sa.Column("count", BigInteger, nullable=False),
    sa.Column("nans", BigInteger, nullable=False),
    sa.Column("last", sa.Double),
    sa.Column("last_is_nan", sa.Boolean, nullable=False),
    sa.Column("last_step", BigInteger),
    sa.Column("min", sa.Double),
    sa.Column("max", sa.Double),
    sa.Column("first_time", BigInteger, nullable=False),
    sa.Column("last_time", BigInteger, nullable=False),
    sa.Column("tail_chunks", Integer, nullable=False),
    sa.Column("tail_weight", Integer, nullable=False),
    sa.UniqueConstraint("run_id", "name", "source", "attempt"),
)
"""`latest`: of the run's latest attempt; so there is one such row for each (run, source, name)."""

sa.Index("metric_series_by_last", series.c.name, series.c.last, series.c.run_id)

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


class SeriesRow(Struct, frozen=True):
    """A metric of one attempt; `id` is None before it has a row."""

    id: int | None
    source: str
    name: str
    summary: Summary
    tail_chunks: int = 0
    tail_weight: int = 0


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


_SUMMARY = ("count", "nans", "last", "min", "max", "last_step", "first_time", "last_time")
_VALUES = (*_SUMMARY, "last_is_nan", "tail_chunks", "tail_weight")
_SERIES_COLUMNS = [series.c[name] for name in ("id", "source", "name", *_VALUES)]
_ADD_SERIES = Prepared(series.insert())
_UPDATE_SERIES = Prepared(series.update().where(series.c.id == sa.bindparam("series_id")))
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
_COUNT = Prepared(
    sa.select(sa.func.coalesce(sa.func.sum(series.c.count), 0)).where(
        series.c.run_id == sa.bindparam("of_run"), series.c.latest
    )
)
_WITH_TAIL = Prepared(
    sa.select(series.c.id).where(
        series.c.run_id == sa.bindparam("of_run"),
        series.c.attempt == sa.bindparam("of_attempt"),
        series.c.tail_chunks > sa.literal_column("0"),
    )
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
_ALL = 2**63 - 1


def last_values(read: Read, run_ids: Sequence[str]) -> list[tuple[str, str, float | None]]:
    """(run, name, last value or None for NaN) of the latest attempts' metrics that are numbers."""
    columns = (series.c.run_id, series.c.name, series.c.last)
    numbers = series.c.last.is_not(None) | series.c.last_is_nan
    statement = sa.select(*columns).where(
        series.c.run_id.in_(run_ids), series.c.latest, series.c.source == SCRIPT, numbers
    )
    return [(row.run_id, row.name, row.last) for row in read.execute(statement.order_by(series.c.id))]


def named(read: Read, run_id: str, attempt: int, source: str, names: Collection[str]) -> dict[str, SeriesRow]:
    found: dict[str, SeriesRow] = {}
    pending = list(names)
    while pending:
        # Few sizes of the list of names make few statements: the last name fills up.
        size = min(1 << (len(pending) - 1).bit_length(), _TOGETHER)
        part, pending = pending[:size], pending[size:]
        part += part[-1:] * (size - len(part))
        key = {"run_id": run_id, "attempt": attempt, "source": source}
        rows = read.execute(_named(size), key | {f"name_{place}": name for place, name in enumerate(part)})
        found.update({known.name: known for known in map(_series, rows)})
    return found


@cache
def _named(size: int) -> Prepared:
    key = ["run_id", "attempt", "source"]
    places = [f"name_{place}" for place in range(size)]
    query = sa.select(*_SERIES_COLUMNS).where(
        *(series.c[name] == sa.bindparam(name) for name in key),
        series.c.name.in_([sa.bindparam(place) for place in places]),
    )
    return Prepared(query)


def count_points(read: Read, run_id: str) -> int:
    """Values of all metrics of the latest attempt."""
    return int(read.execute(_COUNT, {"of_run": run_id}).scalar())


def of_run(
    read: Read, run_id: str, *, attempt: int | None = None, source: str | None = None, name: str | None = None
) -> list[SeriesRow]:
    """The metrics of an attempt, the latest unless told, in the order in which they were first logged."""
    query = sa.select(*_SERIES_COLUMNS).where(series.c.run_id == run_id)
    query = query.where(series.c.latest if attempt is None else series.c.attempt == attempt)
    if source is not None:
        query = query.where(series.c.source == source)
    if name is not None:
        query = query.where(series.c.name == name)
    return [_series(row) for row in read.execute(query.order_by(series.c.first_time, series.c.id))]


def of_runs(
    read: Read, run_ids: Sequence[str], names: Sequence[str], source: str
) -> list[tuple[str, SeriesRow]]:
    """(run, metric) of those of these names that the runs' latest attempts have."""
    found: list[tuple[str, SeriesRow]] = []
    for first in range(0, len(run_ids), _TOGETHER // 2):
        for start in range(0, len(names), _TOGETHER // 2):
            query = sa.select(series.c.run_id, *_SERIES_COLUMNS).where(
                series.c.run_id.in_(run_ids[first : first + _TOGETHER // 2]),
                series.c.name.in_(names[start : start + _TOGETHER // 2]),
                series.c.source == source,
                series.c.latest,
            )
            found += [(row[0], _series(tuple(row)[1:])) for row in read.execute(query)]
    return found


def names_of(read: Read, run_ids: Sequence[str], source: str, most: int | None) -> list[str]:
    """Of metrics that are numbers, those that most of the runs have first; so many at most."""
    numbers = series.c.last.is_not(None) | series.c.last_is_nan
    query = sa.select(series.c.name).where(
        series.c.run_id.in_(run_ids), series.c.latest, series.c.source == source, numbers
    )
    query = query.group_by(series.c.name).order_by(sa.func.count().desc(), series.c.name)
    return list(read.execute(query if most is None else query.limit(most)).scalars())


def attempts(read: Read, run_id: str) -> list[int]:
    """Those that have metrics, in order."""
    query = sa.select(series.c.attempt).where(series.c.run_id == run_id).distinct()
    return list(read.execute(query.order_by(series.c.attempt)).scalars())


def add(write: Write, run_id: str, attempt: int, latest: bool, rows: Sequence[SeriesRow]) -> None:
    key = {"run_id": run_id, "attempt": attempt, "latest": latest}
    values = [{**key, "source": row.source, "name": row.name, **_values(row)} for row in rows]
    write.execute(_ADD_SERIES, values)


def update(write: Write, rows: Sequence[SeriesRow]) -> None:
    write.execute(_UPDATE_SERIES, [{"series_id": row.id, **_values(row)} for row in rows])


def outdate(write: Write, run_id: str, attempt: int) -> None:
    """A later attempt has begun: what earlier ones logged is no longer what the run shows."""
    older = (series.c.run_id == run_id) & (series.c.attempt < attempt)
    write.execute(series.update().where(older).values(latest=False))


def add_chunks(write: Write, added: Sequence[NewChunk]) -> None:
    rows = [
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
    write.execute(_ADD_CHUNKS, rows)


def chunks_of(
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
    for start in range(0, len(series_ids), _TOGETHER):
        part = series_ids[start : start + _TOGETHER]
        query = sa.select(chunks.c.series_id, *_CHUNK_SUMMARY).where(chunks.c.series_id.in_(part))
        for row in read.execute(query.order_by(chunks.c.series_id, chunks.c.id)):
            found.setdefault(row[0], []).append(ChunkSummary(*tuple(row)[1:]))
    return found


def places_of(read: Read, ids: Sequence[int]) -> dict[int, Place]:
    """Where the bytes of these chunks are."""
    found: dict[int, Place] = {}
    for start in range(0, len(ids), _TOGETHER):
        part = ids[start : start + _TOGETHER]
        query = sa.select(*_CHUNK_COLUMNS).select_from(chunks.outerjoin(packs)).where(chunks.c.id.in_(part))
        found.update({row.id: place(row) for row in read.execute(query)})
    return found


def tails(read: Read, run_id: str, attempt: int) -> list[int]:
    """Ids of the attempt's metrics, of both sources, that have a tail."""
    return read.execute(_WITH_TAIL, {"of_run": run_id, "of_attempt": attempt}).scalars()


def forget_tails(write: Write, series_ids: Collection[int]) -> None:
    """Their tails have become chunks."""
    rows = [{"series_id": number, "tail_chunks": 0, "tail_weight": 0} for number in series_ids]
    write.execute(_UPDATE_SERIES, rows)


def drop_tails(write: Write, series_ids: Collection[int]) -> None:
    write.execute(_DROP_TAIL, [{"of_series": number} for number in series_ids])


def _series(row: Sequence[Any]) -> SeriesRow:
    """Of a row of `_SERIES_COLUMNS`, by place: rows of the hot path have no types but the driver's."""
    number, source, name, count, nans, last, *rest, last_is_nan, tail_chunks, tail_weight = row
    summary = Summary(count, nans, float("nan") if last_is_nan else last, *rest)
    return SeriesRow(number, source, name, summary, tail_chunks, tail_weight)


def _values(row: SeriesRow) -> dict[str, Any]:
    summary = row.summary
    nan = summary.last is not None and summary.last != summary.last
    return {
        "count": summary.count,
        "nans": summary.nans,
        "last": None if nan else summary.last,  # SQLite has no NaN: it stores NULL
        "min": summary.min,
        "max": summary.max,
        "last_step": summary.last_step,
        "first_time": summary.first_time,
        "last_time": summary.last_time,
        "last_is_nan": nan,
        "tail_chunks": row.tail_chunks,
        "tail_weight": row.tail_weight,
    }
