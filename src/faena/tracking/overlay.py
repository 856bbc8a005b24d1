"""Curves of several runs on one axis: of each the least and the greatest value of each of so many stretches.

What the curves share is the grid: the places of all their points while those are few, else so many stretches of one
width. So one array of places serves all of them, and a chart of a hundred curves is as many numbers as it has pixels.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from msgspec import Struct

from faena.db import Read
from faena.kernel.clock import Micros
from faena.objects.contract import ObjectFiles
from faena.tracking.arrays import np
from faena.tracking.chart_spans import Axis, Plan, View, axis_of, in_view, planned, read_spans
from faena.tracking.decimation import Spans
from faena.tracking.model import SCRIPT
from faena.tracking.points import Float64s, Int64s
from faena.tracking.store import metric_chunks
from faena.tracking.store import metrics as store
from faena.tracking.store.packs import Opened
from faena.tracking.summary import Summary

OverlayAxis = Literal["step", "relative", "time"]
"""`relative`: seconds since the run's beginning; `time`: seconds since the epoch."""

MOST_BUCKETS = 1_000
_NEAR = 60_000_000
"""Microseconds: clocks of machines that are set by a server of time differ by less."""


class Wanted(Struct, frozen=True):
    names: tuple[str, ...]
    axis: OverlayAxis = "step"
    buckets: int = MOST_BUCKETS
    start: float | None = None
    stop: float | None = None
    source: str = SCRIPT


class OverlaidCurve(Struct, frozen=True, eq=False):
    """`low` and `high` belong to the grid's places from `first` on; NaN where the curve has no finite value."""

    run_id: str
    first: int
    low: Float64s
    high: Float64s
    count: int
    """Points of the whole metric, as what follows."""
    nans: int
    last: float | None
    least: float | None
    greatest: float | None


class Overlay(Struct, frozen=True, eq=False):
    """One metric of several runs."""

    name: str
    axis: str
    """`index` where steps were asked for and no curve has any: places in the order of arrival."""
    x: Float64s
    """The grid, ascending."""
    exact: bool
    """Whether these are the points, not the extremes of stretches."""
    curves: list[OverlaidCurve]


class _Line(Struct, frozen=True, eq=False):
    run_id: str
    name: str
    summary: Summary
    view: View
    plan: Plan


def overlays(
    read: Read, objects: ObjectFiles | None, lived: Mapping[str, tuple[Micros, Micros]], wanted: Wanted
) -> list[Overlay]:
    """Of each metric that a run has: one overlay, in the order of the names; runs in the order of `lived`.

    `lived`: when each run began, and ended, or now. Runs without the metric have no curve in it.
    """
    lines = _lines(read, lived, wanted)
    places = metric_chunks.places_of(read, [number for line in lines for number in line.plan.ids])
    found: dict[str, list[tuple[_Line, Spans, bool]]] = {}
    with Opened(objects) as opened:
        for line in lines:
            spans, are_points, _, _ = read_spans(line.plan, line.view, places, opened)
            found.setdefault(line.name, []).append((line, spans, are_points))
    return [_overlay(name, found[name], wanted) for name in dict.fromkeys(wanted.names) if name in found]


def _lines(read: Read, lived: Mapping[str, tuple[Micros, Micros]], wanted: Wanted) -> list[_Line]:
    rows = store.of_runs(read, list(lived), wanted.names, wanted.source)
    chunks = metric_chunks.summaries_of_many(read, [row.id for _, row in rows if row.id is not None])
    order = {run_id: place for place, run_id in enumerate(lived)}
    first: dict[str, Micros] = {}
    for run_id, row in rows:
        first[run_id] = min(row.summary.first_time, first.get(run_id, row.summary.first_time))
    found = []
    for run_id, row in sorted(rows, key=lambda each: order[each[0]]):
        assert row.id is not None
        own = chunks.get(row.id, [])
        axis: Axis = axis_of("step" if wanted.axis == "step" else "time", row.summary, own)
        view = View(
            axis,
            _origin(*lived[run_id], first[run_id]) if wanted.axis == "relative" else 0,
            -np.inf if wanted.start is None else wanted.start,
            np.inf if wanted.stop is None else wanted.stop,
            wanted.buckets,
        )
        found.append(_Line(run_id, row.name, row.summary, view, planned(in_view(own, view), view)))
    return found


def _origin(began: Micros, ended: Micros, first: Micros) -> Micros:
    """Of seconds since the run's beginning: its first point, where the clock of the machine that logged it is off."""
    return began if began - _NEAR <= first <= ended + _NEAR else first


def _overlay(name: str, found: Sequence[tuple[_Line, Spans, bool]], wanted: Wanted) -> Overlay:
    axis = (
        wanted.axis
        if wanted.axis != "step" or any(line.view.axis == "step" for line, _, _ in found)
        else "index"
    )
    grid = None
    if all(are_points for _, _, are_points in found):
        grid = _points_of([spans.left for _, spans, _ in found], 2 * wanted.buckets)
    exact = grid is not None
    if grid is None:
        grid = _stretches(found, wanted.buckets)
    curves = []
    for line, spans, _ in found:
        first, low, high = _on(grid, spans, exact=exact)
        summary = line.summary
        known = (summary.count, summary.nans, summary.last, summary.min, summary.max)
        curves.append(OverlaidCurve(line.run_id, first, low, high, *known))
    return Overlay(name, axis, grid, exact, curves)


def _points_of(places: Iterable[Float64s], most: int) -> Float64s | None:
    """All places, where they are few: curves that were logged at the same steps share them."""
    grid = np.empty(0, np.float64)
    for each in places:
        if len(each) and not np.array_equal(each, grid):
            grid = np.union1d(grid, each)
            if len(grid) > most:
                return None
    return grid


def _stretches(found: Sequence[tuple[_Line, Spans, bool]], buckets: int) -> Float64s:
    there = [spans for _, spans, _ in found if len(spans.left)]
    first = min((spans.left[0] for spans in there), default=0.0)
    last = max((spans.right.max() for spans in there), default=0.0)
    return np.linspace(first, last, buckets if last > first else 1)


def _on(grid: Float64s, spans: Spans, *, exact: bool) -> tuple[int, Float64s, Float64s]:
    """Where the curve begins on the grid, and its extremes from there to its end."""
    none = np.empty(0, np.float64)
    if not len(spans.left):
        return 0, none, none
    left = np.searchsorted(grid, spans.left) if exact else _nearest(grid, spans.left)
    low, high = spans.low, spans.high
    if not exact:
        right = _nearest(grid, spans.right)
        longer = right > left  # a chunk of which only the extremes are known lies in more than one stretch
        if longer.any():
            left = np.concatenate([left, right[longer]])
            low, high = np.concatenate([low, low[longer]]), np.concatenate([high, high[longer]])
            order = np.argsort(left, kind="stable")
            left, low, high = left[order], low[order], high[order]
    starts = np.append(0, np.flatnonzero(left[1:] != left[:-1]) + 1)
    at = left[starts] - left[0]
    lows, highs = np.full(at[-1] + 1, np.nan), np.full(at[-1] + 1, np.nan)
    lows[at], highs[at] = np.fmin.reduceat(low, starts), np.fmax.reduceat(high, starts)
    return int(left[0]), lows, highs


def _nearest(grid: Float64s, places: Float64s) -> Int64s:
    width = grid[-1] - grid[0]
    if not width > 0:
        return np.zeros(len(places), np.int64)
    found: Int64s = np.rint((places - grid[0]) / width * (len(grid) - 1)).astype(np.int64)
    return found
