"""A metric as a chart of so many pixels: what it costs depends on the pixels, not on the points.

Where there are more points than can be drawn, each column of pixels has the least and the greatest value of its points
(the min-max decimation of waveform displays). Chunks know theirs, so that points are read only where a column is
narrower than a chunk, and a chunk at a time.
"""

from __future__ import annotations

from msgspec import Struct

from faena.db import Read
from faena.kernel.clock import Micros
from faena.kernel.errors import NotFound, UserErrorException
from faena.objects.contract import ObjectFiles
from faena.tracking.arrays import np
from faena.tracking.chart_spans import Axis as Axis
from faena.tracking.chart_spans import View, axis_of, in_view, planned, read_spans
from faena.tracking.decimation import joined_in_columns, zigzag
from faena.tracking.model import SCRIPT
from faena.tracking.store import metric_chunks
from faena.tracking.store import metrics as store
from faena.tracking.store.packs import Opened

MOST_SENT = 4_000
"""Points of an answer at most."""


class Chart(Struct, frozen=True):
    """`x` and `y` have one length, `MOST_SENT` at most; `y` is None where a value is infinite or no number.

    `x`: the step, seconds since `origin`, or the place in the order of arrival, by `axis`.
    """

    axis: Axis
    """`index` where steps were asked for and the metric has none."""
    x: list[float]
    y: list[float | None]
    exact: bool
    """Whether these are the points; else two for each column, its least finite value and its greatest."""
    count: int
    """Points of the metric."""
    nans: int
    last: float | None
    origin: Micros
    """When the first point was logged."""
    infinities: int
    """Values between `start` and `stop` that are infinite; at least so many, where hundreds of chunks have some."""


class NamedChart(Struct, frozen=True):
    name: str
    chart: Chart


class Charts(Struct, frozen=True):
    """Several metrics of a run. `total`: how many it has."""

    total: int
    charts: list[NamedChart]


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

    On an axis of steps points without one are left out.

    Raises NotFound when the run has no such metric, UserErrorException for pixels below 1.
    """
    if pixels < 1:
        raise UserErrorException(f"pixels is {pixels}. Use the width of the chart, 1 or more.")
    rows = store.of_run(read, run_id, source=source, name=name)
    if not rows or rows[0].id is None:
        raise NotFound(f"Run {run_id} has no metric {name[:200]!r}. Ask for its metrics to see their names.")
    summary = rows[0].summary
    chunks = metric_chunks.summaries_of(read, rows[0].id)
    axis = axis_of(axis, summary, chunks)
    view = View(
        axis,
        summary.first_time,
        -np.inf if start is None else start,
        np.inf if stop is None else stop,
        min(pixels, MOST_SENT // 2),
    )
    plan = planned(in_view(chunks, view), view)
    places = metric_chunks.places_of(read, plan.ids)
    with Opened(objects) as opened:
        spans, are_points, whole, infinities = read_spans(plan, view, places, opened)
    few = are_points and len(spans.left) <= view.drawable
    if few:
        x, y = spans.left, spans.low
    else:
        x, y = zigzag(joined_in_columns(spans, view.columns))
    return Chart(
        axis,
        x.tolist(),
        [value if np.isfinite(value) else None for value in y.tolist()],
        few and whole,
        summary.count,
        summary.nans,
        summary.last,
        summary.first_time,
        infinities,
    )
