"""A metric as a chart of so many pixels: what it costs depends on the pixels, not on the points.

Where there are more points than can be drawn, each column of pixels has the least and the greatest value of its points
(the min-max decimation of waveform displays). Chunks know theirs, so that points are read only where a column is
narrower than a chunk.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from faena.db import Read
from faena.kernel.clock import Micros
from faena.kernel.errors import NotFound, UserErrorException
from faena.objects.files import ObjectFiles
from faena.tracking import codec
from faena.tracking.model import SCRIPT
from faena.tracking.points import NO_STEP, Float64s, Int64s, Points, joined
from faena.tracking.store import metrics as store
from faena.tracking.store.metrics import ChunkSummary
from faena.tracking.store.packs import Opened
from faena.tracking.summary import each_number, numbers

Axis = Literal["step", "time", "index"]

MOST_SENT = 4_000
"""Points of an answer at most."""
_SUMMARIES_SUFFICE = 3
"""A chunk may be so many columns wide and still be drawn from its summary alone."""


@dataclass(frozen=True, slots=True)
class Chart:
    """`x` and `y` have one length, `MOST_SENT` at most; `y` is None where a value is infinite or no number.

    `x`: the step, seconds since `origin`, or the place in the order of arrival, by `axis`.
    """

    axis: Axis
    """`index` where steps were asked for and the metric has none."""
    x: list[float]
    y: list[float | None]
    exact: bool
    """Whether these are the points; else two for each column, its least value and its greatest."""
    count: int
    """Points of the metric."""
    nans: int
    last: float | None
    origin: Micros
    """When the first point was logged."""


@dataclass(frozen=True, slots=True, eq=False)
class _Spans:
    """Stretches of the axis with their least and greatest value, ordered along it."""

    left: Float64s
    right: Float64s
    low: Float64s
    high: Float64s


def chart(
    read: Read,
    objects: ObjectFiles | None,
    run_id: str,
    name: str,
    *,
    axis: Axis = "step",
    pixels: int = 1000,
    start: float | None = None,
    stop: float | None = None,
    source: str = SCRIPT,
) -> Chart:
    """The metric of the latest attempt between `start` and `stop` of the axis; numbers in lists count, text does not.

    Raises NotFound when the run has no such metric, UserErrorException for pixels below 1.
    """
    if pixels < 1:
        raise UserErrorException(f"pixels is {pixels}. Use the width of the chart, 1 or more.")
    rows = store.of_run(read, run_id, source=source, name=name)
    if not rows or rows[0].id is None:
        raise NotFound(f"Run {run_id} has no metric {name[:200]!r}. Ask for its metrics to see their names.")
    summary = rows[0].summary
    if axis == "step" and summary.last_step is None:
        axis = "index"
    chunks = _in_range(store.summaries_of(read, rows[0].id), axis, summary.first_time, start, stop)
    columns = min(pixels, MOST_SENT // 2)
    drawable = columns * 2
    if sum(chunk.points for _, chunk in chunks) > drawable and len(chunks) * _SUMMARIES_SUFFICE >= columns:
        x, y = _from_summaries(read, objects, chunks, axis, summary.first_time, columns)
        exact = False
    else:
        x, y = _read(read, objects, chunks, axis, summary.first_time)
        inside = (x >= (-np.inf if start is None else start)) & (x <= (np.inf if stop is None else stop))
        x, y = x[inside], y[inside]
        exact = len(x) <= drawable
        if not exact:
            x, y = _zigzag(_columns(_Spans(x, x, y, y), columns))
    return Chart(
        axis,
        x.tolist(),
        [value if np.isfinite(value) else None for value in y.tolist()],
        exact,
        summary.count,
        summary.nans,
        summary.last,
        summary.first_time,
    )


_Placed = tuple[int, ChunkSummary]
"""A chunk, and how many points came before it."""


def _in_range(
    found: list[ChunkSummary], axis: Axis, origin: Micros, start: float | None, stop: float | None
) -> list[_Placed]:
    placed: list[_Placed] = []
    before = 0
    for chunk in found:
        left, right = _ends(before, chunk, axis, origin)
        if (stop is None or left is None or left <= stop) and (
            start is None or right is None or right >= start
        ):
            placed.append((before, chunk))
        before += chunk.points
    return placed


def _ends(before: int, chunk: ChunkSummary, axis: Axis, origin: Micros) -> tuple[float | None, float | None]:
    """Where a chunk begins and ends on the axis; None where its summary does not say."""
    if axis == "index":
        return float(before), float(before + chunk.points - 1)
    if axis == "time":
        return (chunk.first_time - origin) / 1e6, (chunk.last_time - origin) / 1e6
    if chunk.first_step is None or chunk.last_step is None:
        return None, None
    return float(chunk.first_step), float(chunk.last_step)


def _from_summaries(
    read: Read, objects: ObjectFiles | None, chunks: list[_Placed], axis: Axis, origin: Micros, columns: int
) -> tuple[Float64s, Float64s]:
    spans: list[tuple[float, float, float, float]] = []
    unknown: list[_Placed] = []
    for before, chunk in chunks:
        left, right = _ends(before, chunk, axis, origin)
        if left is None or right is None:
            unknown.append((before, chunk))
        elif chunk.min is not None and chunk.max is not None:
            spans.append((left, right, chunk.min, chunk.max))
    known = np.array(spans, np.float64).reshape(-1, 4).T
    if unknown:  # tails, and chunks of an older Faena
        x, y = _read(read, objects, unknown, axis, origin)
        known = np.hstack([known, np.array([x, x, y, y])])
    order = np.argsort(known[0], kind="stable")
    return _zigzag(_columns(_Spans(*known[:, order]), columns))


def _read(
    read: Read, objects: ObjectFiles | None, chunks: list[_Placed], axis: Axis, origin: Micros
) -> tuple[Float64s, Float64s]:
    """All points of these chunks, ordered along the axis; on an axis of steps those that have one."""
    places = store.places_of(read, [chunk.id for _, chunk in chunks])
    with Opened(objects) as opened:
        parts = [codec.decode(opened.bytes(places[chunk.id])) for _, chunk in chunks]
    points = joined(parts)
    index = np.concatenate(
        [np.arange(before, before + len(part)) for (before, _), part in zip(chunks, parts, strict=True)]
        or [np.empty(0, np.int64)]
    )
    owners, values = _values(points)
    # each number of a list has a place of its own
    x = (
        _along(axis, points, index, origin)[owners]
        if axis != "index" or not points.payloads
        else _places(index, owners)
    )
    if axis == "step":
        has_step = points.step[owners] != NO_STEP
        x, values = x[has_step], values[has_step]
    order = np.argsort(x, kind="stable")
    return x[order], values[order]


def _values(points: Points) -> tuple[Int64s, Float64s]:
    """The place of the point that each number comes from, and the numbers."""
    if not points.payloads:
        return np.arange(len(points)), numbers(points)
    found = list(each_number(points))
    owners = np.array([place for place, _ in found], np.int64)
    return owners, np.array([number for _, number in found], np.float64)


def _places(index: Int64s, owners: Int64s) -> Float64s:
    first = index[0] if len(index) else 0
    return np.arange(first, first + len(owners), dtype=np.float64)


def _along(axis: Axis, points: Points, index: Int64s, origin: Micros) -> Float64s:
    if axis == "time":
        return (points.time - origin) / 1e6
    return (points.step if axis == "step" else index).astype(np.float64)


def _columns(spans: _Spans, columns: int) -> _Spans:
    """Spans joined, so that there is one for each column of pixels at most; NaN is nobody's least or greatest."""
    if len(spans.left) <= columns:
        return spans
    first, last = spans.left[0], max(spans.right.max(), spans.left[0] + 1e-12)
    which = np.minimum(((spans.left - first) / (last - first) * columns).astype(np.int64), columns - 1)
    starts = np.flatnonzero(np.diff(which, prepend=-1))
    return _Spans(
        spans.left[starts],
        np.maximum.reduceat(spans.right, starts),
        np.fmin.reduceat(spans.low, starts),
        np.fmax.reduceat(spans.high, starts),
    )


def _zigzag(spans: _Spans) -> tuple[Float64s, Float64s]:
    """Two points for each span, alternately down and up, so that a line through them shows all extremes."""
    x = np.column_stack([spans.left, spans.right]).ravel()
    y = np.column_stack([spans.low, spans.high])
    y[1::2] = y[1::2, ::-1]
    return x, y.ravel()
