"""Metrics: a row for each (run, attempt, source, name) with its summary."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from msgspec import Struct

from faena.db import BigInteger, Integer, Read, Text, Write, lists, metadata
from faena.db.prepared import Prepared
from faena.tracking.model import SCRIPT, SYSTEM
from faena.tracking.summary import Summary

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


class SeriesRow(Struct, frozen=True):
    """A metric of one attempt; `id` is None before it has a row."""

    id: int | None
    source: str
    name: str
    summary: Summary
    tail_chunks: int = 0
    tail_weight: int = 0


_SUMMARY = ("count", "nans", "last", "min", "max", "last_step", "first_time", "last_time")
_VALUES = (*_SUMMARY, "last_is_nan", "tail_chunks", "tail_weight")
_IS_NAN = sa.type_coerce(series.c.last_is_nan, sa.Integer).label("last_is_nan")
"""As the driver has it: thousands of rows are not to be converted one by one."""
_SERIES_COLUMNS = [
    _IS_NAN if name == "last_is_nan" else series.c[name] for name in ("id", "source", "name", *_VALUES)
]
_FIGURES = ("run_id", "name", "count", "nans", "last", "min", "max")
_ADD_SERIES = Prepared(series.insert())
_UPDATE_SERIES = Prepared(series.update().where(series.c.id == sa.bindparam("series_id")))
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
_ALL = 2**63 - 1
_HAS_NUMBER = series.c.last.is_not(None) | series.c.last_is_nan
_WAS_NUMBER = _HAS_NUMBER | (series.c.nans > sa.literal_column("0"))
"""Its last value is one, or one before was NaN."""
_OF_RUN = (series.c.run_id == sa.bindparam("of_run")) & series.c.latest
_OF_SOURCE = series.c.source == sa.bindparam("of_source")
_AS_LOGGED = (series.c.first_time, series.c.id)
_NUMBER_NAMES = Prepared(
    sa.select(series.c.name)
    .where(_OF_RUN, _OF_SOURCE, _WAS_NUMBER)
    .order_by(*_AS_LOGGED)
    .limit(sa.bindparam("most"))
)
_OTHERS = Prepared(
    sa.select(*_SERIES_COLUMNS).where(_OF_RUN, series.c.source != SYSTEM, ~_WAS_NUMBER).order_by(*_AS_LOGGED)
)
_NAMED = lists.prepared_for(
    lambda names: sa.select(*_SERIES_COLUMNS).where(
        series.c.run_id == sa.bindparam("of_run"),
        series.c.attempt == sa.bindparam("of_attempt"),
        _OF_SOURCE,
        series.c.name.in_(names),
    )
)
_OF_RUNS = lists.prepared_for(
    lambda run_ids, names: sa.select(series.c.run_id, *_SERIES_COLUMNS).where(
        series.c.run_id.in_(run_ids), series.c.name.in_(names), _OF_SOURCE, series.c.latest
    )
)
_LAST_POINTS = lists.prepared_for(
    lambda run_ids: (
        sa.select(series.c.run_id, series.c.name, series.c.last, series.c.last_time, series.c.last_step)
        .where(series.c.run_id.in_(run_ids), _OF_SOURCE, series.c.latest, _HAS_NUMBER)
        .order_by(series.c.run_id, series.c.name)
    )
)
_FIGURES_OF_RUNS = lists.prepared_for(
    lambda run_ids, names: sa.select(*(series.c[each] for each in _FIGURES), _IS_NAN).where(
        series.c.run_id.in_(run_ids), series.c.name.in_(names), _OF_SOURCE, series.c.latest
    )
)


def last_values(read: Read, run_ids: Sequence[str]) -> list[tuple[str, str, float | None]]:
    """(run, name, last value or None for NaN) of the latest attempts' metrics that are numbers."""
    columns = (series.c.run_id, series.c.name, series.c.last)
    statement = sa.select(*columns).where(
        series.c.run_id.in_(run_ids), series.c.latest, series.c.source == SCRIPT, _HAS_NUMBER
    )
    return [(row.run_id, row.name, row.last) for row in read.execute(statement.order_by(series.c.id))]


def named(read: Read, run_id: str, attempt: int, source: str, names: Collection[str]) -> dict[str, SeriesRow]:
    return by_name(ask_named(read, run_id, attempt, source, names))


def ask_named(
    read: Read, run_id: str, attempt: int, source: str, names: Collection[str]
) -> Iterator[SeriesRow]:
    """To be read later: see `Read.ask`."""
    key = {"of_run": run_id, "of_attempt": attempt, "of_source": source}
    return map(_series, lists.ask(read, _NAMED, list(names), given=key))


def by_name(found: Iterable[SeriesRow]) -> dict[str, SeriesRow]:
    return {known.name: known for known in found}


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
    rows = lists.execute(read, _OF_RUNS, run_ids, names, given={"of_source": source})
    return [(run_id, _series(row)) for run_id, *row in rows]


def last_points(read: Read, run_ids: Sequence[str]) -> Iterator[Any]:
    """(run, name, value or None for NaN, time, step) of what scripts of these runs log that is a number."""
    return lists.ask(read, _LAST_POINTS, run_ids, given={"of_source": SCRIPT})


def figures(read: Read, run_ids: Sequence[str], names: Sequence[str], source: str) -> Iterator[Any]:
    """As `of_runs`, of each what a table shows: `count`, `nans`, `last`, `min`, `max`, `last_is_nan`."""
    return lists.execute(read, _FIGURES_OF_RUNS, run_ids, names, given={"of_source": source})


def number_names(read: Read, run_id: str, source: str, most: int | None = None) -> list[str]:
    """Of a run's metrics that are numbers, so many at most, in the order in which they were first logged."""
    key = {"of_run": run_id, "of_source": source, "most": _ALL if most is None else most}
    return read.execute(_NUMBER_NAMES, key).scalars()


def others(read: Read, run_id: str) -> list[SeriesRow]:
    """What the run's script logged that has no number, in the order in which it was first logged."""
    return [_series(row) for row in read.execute(_OTHERS, {"of_run": run_id})]


def names_of(read: Read, run_ids: Sequence[str], source: str, most: int | None) -> list[str]:
    """Of metrics that are numbers, those that most of the runs have first; so many at most."""
    query = sa.select(series.c.name).where(
        series.c.run_id.in_(run_ids), series.c.latest, series.c.source == source, _HAS_NUMBER
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


def tails(read: Read, run_id: str, attempt: int) -> list[int]:
    """Ids of the attempt's metrics, of both sources, that have a tail."""
    return read.execute(_WITH_TAIL, {"of_run": run_id, "of_attempt": attempt}).scalars()


def forget_tails(write: Write, series_ids: Collection[int]) -> None:
    """Their tails have become chunks."""
    rows = [{"series_id": number, "tail_chunks": 0, "tail_weight": 0} for number in series_ids]
    write.execute(_UPDATE_SERIES, rows)


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
