"""Answers what a run logged: its metrics and its logs."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from faena.db import Read
from faena.kernel.clock import Micros
from faena.kernel.errors import NotFound, UserErrorException
from faena.objects.contract import ObjectFiles
from faena.tracking import codec, shapes
from faena.tracking.arrays import np
from faena.tracking.model import SCRIPT, LogChunk, LogFile, MetricSummary, Series
from faena.tracking.points import INT, Points, joined
from faena.tracking.store import logs as log_store
from faena.tracking.store import metric_chunks
from faena.tracking.store import metrics as store
from faena.tracking.store.packs import Opened
from faena.tracking.summary import each_number, numbers


def metrics(
    read: Read,
    objects: ObjectFiles | None,
    run_id: str,
    name: str | None = None,
    source: str = SCRIPT,
    *,
    attempt: int | None = None,
    without: Collection[str] = (),
) -> dict[str, Any]:
    """The metrics of the latest attempt, or of `attempt`, in the shapes of v1's `get_metrics`.

    By name, in the order in which they were first logged; `name` alone when given, `{}` when there is none
    such. Those `without` are passed over. Values are ordered by time, equal times as they arrived.
    """
    rows = store.of_run(read, run_id, attempt=attempt, source=source, name=name)
    with Opened(objects) as opened:
        return {
            row.name: shapes.shape(row.name, _points(read, opened, row).by_time())
            for row in rows
            if row.name not in without
        }


def last_values(read: Read, run_ids: list[str]) -> dict[str, dict[str, float | None]]:
    """The last value of each metric that is a number, by run and name; None for NaN."""
    found: dict[str, dict[str, float | None]] = {run_id: {} for run_id in run_ids}
    for run_id, name, last in store.last_values(read, run_ids):
        found[run_id][name] = last
    return found


def count_points(read: Read, run_id: str) -> int:
    """Values of all metrics of the latest attempt: who looks again learns whether there are new ones."""
    return store.count_points(read, run_id)


def metric_summaries(
    read: Read, run_id: str, *, source: str | None = None, attempt: int | None = None
) -> list[MetricSummary]:
    """The metrics of the latest attempt, or of `attempt`, in one row each; of both sources unless told."""
    return [_summary(row) for row in store.of_run(read, run_id, attempt=attempt, source=source)]


def number_names(read: Read, run_id: str, source: str = SCRIPT, most: int | None = None) -> list[str]:
    """Metrics of the latest attempt that are numbers, so many at most, in the order in which they were first logged."""
    return store.number_names(read, run_id, source, most)


def others(read: Read, run_id: str) -> list[MetricSummary]:
    """What the script of the latest attempt logged that has no number to be drawn as a curve."""
    return [_summary(row) for row in store.others(read, run_id)]


def _summary(row: store.SeriesRow) -> MetricSummary:
    return MetricSummary(
        name=row.name,
        source=row.source,
        count=row.summary.count,
        nans=row.summary.nans,
        last=row.summary.last,
        min=row.summary.min,
        max=row.summary.max,
        last_step=row.summary.last_step,
        first_time=row.summary.first_time,
        last_time=row.summary.last_time,
    )


def series(
    read: Read,
    objects: ObjectFiles | None,
    run_id: str,
    name: str,
    source: str = SCRIPT,
    *,
    attempt: int | None = None,
) -> Series:
    """The numbers of a metric, those in lists included; text, rows and tables are left out.

    Raises NotFound when the run has no such metric.
    """
    rows = store.of_run(read, run_id, attempt=attempt, source=source, name=name)
    if not rows:
        raise NotFound(f"Run {run_id} has no metric {name!r}. Ask for its metrics to see their names.")
    with Opened(objects) as opened:
        points = _points(read, opened, rows[0]).by_time()
    if not points.payloads:
        return Series(points.time, points.step, numbers(points), points.kind == INT)
    found = list(each_number(points))
    places = np.array([place for place, _ in found], np.intp)
    value = np.array([number for _, number in found], np.float64)
    return Series(points.time[places], points.step[places], value, points.kind[places] == INT)


def numbers_of(read: Read, objects: ObjectFiles | None, run_id: str, name: str) -> Series | None:
    """As `series` of what scripts log; None where the run has no such metric."""
    try:
        return series(read, objects, run_id, name)
    except NotFound:
        return None


def last_points(
    read: Read, run_ids: Sequence[str]
) -> Iterator[tuple[str, str, float | None, Micros, int | None]]:
    """(run, name, value or None for NaN, time, step) of metrics that are numbers of what scripts log.

    Each run's in the order of their names.
    """
    return store.last_points(read, run_ids)


def logs(read: Read, run_id: str, attempt: int | None = None) -> list[LogFile]:
    """By name; for each the latest attempt that has it, unless told, and there each rank."""
    if attempt is not None:
        return [row.log for row in log_store.of_run(read, run_id) if row.log.attempt == attempt]
    return [row.log for row in _newest_logs(read, run_id)]


def _newest_logs(read: Read, run_id: str) -> list[log_store.LogRow]:
    newest: dict[str, int] = {}
    return [
        row
        for row in log_store.of_run(read, run_id)
        if row.log.attempt == newest.setdefault(row.log.name, row.log.attempt)
    ]


ReadTo = tuple[int, int]
"""An attempt, and how many bytes of its log are known."""


def grown_logs(
    read: Read, run_id: str, known: Mapping[str, ReadTo]
) -> list[tuple[log_store.LogRow, int, bool]]:
    """Those of which more is there than is `known`, from where on, and whether no later attempt has one.

    Of one that is not known, that of the latest attempt; then, attempt by attempt, those of later ones. Of a log of
    several ranks, the lowest one's.
    """
    tries: dict[str, dict[int, log_store.LogRow]] = {}
    for row in log_store.of_run(read, run_id):
        tries.setdefault(row.log.name, {}).setdefault(row.log.attempt, row)
    grown = []
    for name, by_attempt in tries.items():
        latest = max(by_attempt)
        first, offset = known.get(name, (latest, 0))
        for attempt in sorted(each for each in by_attempt if each >= first):
            start = offset if attempt == first else 0
            if by_attempt[attempt].log.size > start:
                grown.append((by_attempt[attempt], start, attempt == latest))
                break
    return grown


def part_of(
    read: Read, objects: ObjectFiles | None, row: log_store.LogRow, start: int, limit: int
) -> LogChunk:
    """At most `limit` bytes from `start` on. Raises NotFound and ObjectDamaged as objects do."""
    with Opened(objects) as opened:
        return _chunk(read, opened, row, start, limit)


def log_text(
    read: Read,
    objects: ObjectFiles | None,
    run_id: str,
    name: str,
    offset: int = 0,
    limit: int = 1 << 20,
    *,
    attempt: int | None = None,
    rank: int | None = None,
) -> LogChunk:
    """At most `limit` bytes of a log from `offset` on: none at its end. A negative offset counts from the end.

    The latest attempt that has the log, and there the lowest rank, unless told. Raises NotFound when there is
    no such log, UserErrorException when `limit` is not positive.
    """
    if limit < 1:
        raise UserErrorException(f"limit {limit} is not a number of bytes. Use 1 or more.")
    for row in log_store.of_run(read, run_id, name=name):
        if attempt in (None, row.log.attempt) and rank in (None, row.log.rank):
            break
    else:
        raise NotFound(f"Run {run_id} has no log {name!r}. Ask for its logs to see their names.")
    size = row.log.size
    start = max(0, size + offset) if offset < 0 else min(offset, size)
    return part_of(read, objects, row, start, limit)


def _chunk(read: Read, opened: Opened, row: log_store.LogRow, start: int, limit: int) -> LogChunk:
    stop = min(row.log.size, start + limit)
    data = b"".join(
        _text(opened, segment)[max(0, start - segment.offset) : stop - segment.offset]
        for segment in log_store.covering(read, row.stream_id, start, stop)
    )
    return LogChunk(data, start + len(data), row.log.size, row.log.sealed)


def _points(read: Read, opened: Opened, row: store.SeriesRow) -> Points:
    assert row.id is not None
    return joined(
        [codec.decode(opened.bytes(chunk.place)) for chunk in metric_chunks.of_series(read, row.id)]
    )


def _text(opened: Opened, segment: log_store.Segment) -> bytes:
    data = opened.bytes(segment.place)
    return codec.decompress(data) if segment.compressed else data
