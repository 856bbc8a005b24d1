"""Metrics of a run that is over, all points at once: they are packed outside any transaction and stay as they are.

What is logged point by point goes by a tail, chunks and a seal. Here the whole is known, so that it becomes one pack
and one row a chunk at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from msgspec import Struct

from faena.db import Read, Write
from faena.kernel.clock import Micros
from faena.objects.contract import ObjectFiles
from faena.tracking import codec, metric_tail
from faena.tracking.arrays import np
from faena.tracking.logged_points import STREAM
from faena.tracking.model import SCRIPT, StoredFile, StreamKey
from faena.tracking.points import FLOAT, NO_STEP, Float64s, Int64s, Points, joined
from faena.tracking.sealing import LEAST_PACK
from faena.tracking.store import metric_chunks, metrics, packs, streams
from faena.tracking.store.metric_chunks import NewChunk
from faena.tracking.store.metrics import SeriesRow
from faena.tracking.store.packs import Opened
from faena.tracking.summary import Summary, summarise

if TYPE_CHECKING:
    import numpy.typing as npt


class PackedSeries(Struct, frozen=True):
    name: str
    summary: Summary
    chunks: tuple[NewChunk, ...]


class Packed(Struct, frozen=True):
    """`data`: what becomes an object; None: it is little, and stays in the rows."""

    series: tuple[PackedSeries, ...]
    data: bytes | None


def ordered(times: Int64s, steps: Int64s, values: Float64s) -> Points:
    """Numbers in the order in which histories are shown: by time, step, value."""
    if not (times[1:] > times[:-1]).all():
        order = np.lexsort((values, steps, times))
        times, steps, values = times[order], steps[order], values[order]
    return Points(times, steps, values.view(np.int64), np.full(len(times), FLOAT, np.uint8))


def packed(histories: Mapping[str, Points]) -> Packed:
    """`histories`: by metric, each of at least one point. The last value is that of the greatest step."""
    made: list[PackedSeries] = []
    for name, points in histories.items():
        full, rest = metric_tail.cut(points)
        pieces = [*full, rest] if len(rest) else full
        chunks = tuple(metric_tail.chunk(0, piece) for piece in pieces)
        made.append(PackedSeries(name, summarise(points, by_step=True), chunks))
    data = [chunk.data for each in made for chunk in each.chunks]
    is_much = sum(map(len, data)) >= LEAST_PACK
    return Packed(tuple(made), b"".join(data) if is_much else None)


def keep(
    write: Write, run_id: str, attempt: int, given: Packed, pack: StoredFile | None, now: Micros
) -> None:
    """Of a run without metrics yet. `pack`: the object that holds `given.data`, where there is some."""
    if not given.series:
        return
    stream = streams.add(write, StreamKey(run_id, attempt, 0, STREAM), now)
    streams.advance(write, stream, 0)
    rows = [SeriesRow(None, SCRIPT, each.name, each.summary) for each in given.series]
    metrics.add(write, run_id, attempt, True, rows)
    names = [each.name for each in given.series]
    ids = {name: row.id for name, row in metrics.named(write, run_id, attempt, SCRIPT, names).items()}
    number = None if pack is None else packs.add(write, run_id, attempt, pack.digest, pack.size, now)
    chunks: list[NewChunk] = []
    positions: list[int] = []
    position = 0
    for each in given.series:
        for chunk in each.chunks:
            series_id = ids[each.name]
            assert series_id is not None
            chunks.append(metric_chunks.of(chunk, series_id))
            positions.append(position)
            position += len(chunk.data)
    if number is None:
        metric_chunks.add(write, chunks)
    else:
        metric_chunks.add_packed(write, chunks, number, positions)
    streams.mark_sealed(write, run_id, attempt)


def read(view: Read, objects: ObjectFiles, run_id: str) -> dict[str, Points]:
    """What the run's script logged in its latest attempt, by metric, as it is kept."""
    with Opened(objects) as opened:
        return {
            row.name: joined(
                [
                    codec.decode(opened.bytes(chunk.place))
                    for chunk in metric_chunks.of_series(view, row.id or 0)
                ]
            )
            for row in metrics.of_run(view, run_id, source=SCRIPT)
        }


def same(one: Points, other: Points) -> bool:
    """Whether they are the same numbers, whatever their order and however NaN is written."""
    if len(one) != len(other) or one.payloads or other.payloads or (one.kind != other.kind).any():
        return False
    if all(np.array_equal(getattr(one, name), getattr(other, name)) for name in ("time", "step", "bits")):
        return True
    left, right = _in_order(one), _in_order(other)
    if not (np.array_equal(left[0], right[0]) and np.array_equal(left[1], right[1])):
        return False
    return np.array_equal(left[2], right[2], equal_nan=True)


def is_part(one: Points, other: Points) -> bool:
    """Whether all numbers of one are among those of the other."""
    if one.payloads or other.payloads:
        return False
    return bool(np.isin(_rows(one), _rows(other)).all())


def _rows(points: Points) -> npt.NDArray[np.void]:
    """A value a point, by which it is the same as another."""
    time, step, value = _in_order(points)
    rows = np.column_stack((time, step, np.where(np.isnan(value), np.nan, value).view(np.int64)))
    return np.ascontiguousarray(rows).view([("time", "<i8"), ("step", "<i8"), ("bits", "<i8")]).ravel()


def _in_order(points: Points) -> tuple[Int64s, Int64s, Float64s]:
    values = points.bits.view(np.float64)
    steps = np.where(points.step == NO_STEP, 0, points.step)
    order = np.lexsort((values, steps, points.time))
    return points.time[order], steps[order], values[order]
