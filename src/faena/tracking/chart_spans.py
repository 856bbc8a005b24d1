"""What is known of a stretch of a metric: points, or of chunks that are narrow enough their extremes alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from msgspec import Struct

from faena.kernel.clock import Micros
from faena.tracking import codec
from faena.tracking.arrays import np
from faena.tracking.decimation import Spans, blocks
from faena.tracking.points import NO_STEP, Float64s, Int64s, Points
from faena.tracking.store.metric_chunks import ChunkSummary
from faena.tracking.store.packs import Opened, Place
from faena.tracking.summary import Summary, each_number, numbers

Axis = Literal["step", "time", "index"]

_SUMMARIES_SUFFICE = 3
"""A chunk may be so many columns wide and still be drawn from its summary alone."""
_MOST_READ = 150
"""Chunks read for one chart at most, where summaries can stand for them."""
_BLOCKS_A_COLUMN = 16
"""Neighbouring points are taken together in so many blocks for each column, before chunks are joined."""


class View(Struct, frozen=True, eq=False):
    """What part of a metric is drawn, and how."""

    axis: Axis
    origin: Micros
    start: float
    stop: float
    columns: int

    @property
    def drawable(self) -> int:
        return self.columns * 2

    def holds(self, left: float | None, right: float | None) -> bool:
        """Whether all of this stretch is in view."""
        return left is not None and right is not None and left >= self.start and right <= self.stop

    def touches(self, left: float | None, right: float | None) -> bool:
        return (left is None or left <= self.stop) and (right is None or right >= self.start)


_Placed = tuple[int, ChunkSummary]
"""A chunk, and how many points came before it."""


def axis_of(wanted: Axis, summary: Summary, chunks: Sequence[ChunkSummary]) -> Axis:
    """Places, where steps are wanted of a metric that has none."""
    has_steps = summary.last_step is not None or any(chunk.first_step is not None for chunk in chunks)
    return "index" if wanted == "step" and not has_steps else wanted


class Plan(Struct, frozen=True):
    """What is known of chunks (left, right, low, high), and which must be read."""

    known: list[tuple[float, float, float, float]]
    wanted: list[_Placed]
    block: int
    """So many neighbouring points are taken together."""

    @property
    def ids(self) -> list[int]:
        return [chunk.id for _, chunk in self.wanted]


def in_view(found: list[ChunkSummary], view: View) -> list[_Placed]:
    placed: list[_Placed] = []
    before = 0
    for chunk in found:
        if view.touches(*_ends(before, chunk, view)):
            placed.append((before, chunk))
        before += chunk.points
    return placed


def _ends(before: int, chunk: ChunkSummary, view: View) -> tuple[float | None, float | None]:
    """Where a chunk begins and ends on the axis; None where its summary does not say."""
    if view.axis == "index":
        return float(before), float(before + chunk.points - 1)
    if view.axis == "time":
        return (chunk.first_time - view.origin) / 1e6, (chunk.last_time - view.origin) / 1e6
    if chunk.first_step is None or chunk.last_step is None:  # tails, and chunks of an older Faena
        return None, None
    return float(chunk.first_step), float(chunk.last_step)


def planned(chunks: list[_Placed], view: View) -> Plan:
    total = sum(chunk.points for _, chunk in chunks)
    wide = len(chunks) * _SUMMARIES_SUFFICE < view.columns and len(chunks) <= _MOST_READ
    known, wanted = ([], chunks) if total <= view.drawable or wide else _by_summary(chunks, view)
    return Plan(known, wanted, max(1, total // (view.columns * _BLOCKS_A_COLUMN)))


def read_spans(
    plan: Plan, view: View, places: Mapping[int, Place], opened: Opened
) -> tuple[Spans, bool, bool, int]:
    """(spans ordered along the axis, whether each is a point, whether all points have a place, infinite values)."""
    parts = [np.array(plan.known, np.float64).reshape(-1, 4).T] if plan.known or not plan.wanted else []
    are_points, all_whole, infinities, further = not plan.known, True, 0, 0
    for before, points in _pieces(plan, view.axis, places, opened):
        x, y, whole, numbers_more = _along(points, before + further, view)
        further += numbers_more
        infinite = np.isinf(y)
        infinities += int(infinite.sum())
        y[infinite] = np.nan
        size = 1 if len(x) <= view.drawable else plan.block
        parts.append(blocks(x, y, size))
        are_points = are_points and size == 1
        all_whole = all_whole and whole
    joined = np.hstack(parts) if len(parts) > 1 else parts[0]
    if bool(
        (joined[0, 1:] < joined[0, :-1]).any()
    ):  # most are in order: to sort would cost as much as to decode
        joined = joined[:, np.argsort(joined[0], kind="stable")]
    return Spans(*joined), are_points, all_whole, infinities


def _pieces(
    plan: Plan, axis: Axis, places: Mapping[int, Place], opened: Opened
) -> Iterator[tuple[int, Points]]:
    """What must be read, and how many points stand before it.

    Small rows that follow each other are decoded together: what goes on may have two hundred of them for each metric,
    and what is done for each piece costs far more than what is done for a point.
    """
    rows: list[bytes] = []
    begin = end = 0
    for before, chunk in plan.wanted:
        data = opened.bytes(places[chunk.id])
        are_rows = codec.are_plain_rows(data)
        if rows and not (are_rows and before == end):
            yield begin, codec.decode_rows(rows)
            rows = []
        if are_rows:
            begin, end = before if not rows else begin, before + chunk.points
            rows.append(data)
        else:
            yield before, codec.decode_numbers(data, axis)
    if rows:
        yield begin, codec.decode_rows(rows)


def _by_summary(
    chunks: list[_Placed], view: View
) -> tuple[list[tuple[float, float, float, float]], list[_Placed]]:
    """(what is known of chunks, the chunks that must be read)."""
    known: list[tuple[float, float, float, float]] = []
    wanted: list[_Placed] = []
    for before, chunk in chunks:
        left, right = _ends(before, chunk, view)
        if left is None or right is None or not view.holds(left, right):
            wanted.append((before, chunk))
        elif chunk.min is not None and chunk.max is not None:
            low, high = chunk.min, chunk.max
            if np.isfinite(low) and np.isfinite(high):
                known.append((left, right, low, high))
            elif len(wanted) < _MOST_READ:  # what is finite hides behind the infinite
                wanted.append((before, chunk))
            else:
                low, high = (low, low) if np.isfinite(low) else (high, high)
                known.append((left, right, low, high) if np.isfinite(low) else (left, right, np.nan, np.nan))
    return known, wanted


def _along(points: Points, before: int, view: View) -> tuple[Float64s, Float64s, bool, int]:
    """(places on the axis in order, values, whether none was left out for want of a step, numbers beyond the points).

    Each number of a list has a place of its own on an axis of places.
    """
    owners, values = _values(points)
    whole, further = True, len(values) - len(points)
    if view.axis == "time":
        x = ((points.time - view.origin) / 1e6)[owners]
    elif view.axis == "index":
        x = (before + np.arange(len(values))).astype(np.float64)
    else:
        steps = points.step[owners]
        x = steps.astype(np.float64)
        if len(steps) and int(steps.min()) == NO_STEP:
            has_step, whole = steps != NO_STEP, False
            x, values = x[has_step], values[has_step]
    if len(x) and not (view.start <= x.min() and x.max() <= view.stop):
        inside = (x >= view.start) & (x <= view.stop)
        x, values = x[inside], values[inside]
    if bool((x[1:] < x[:-1]).any()):
        order = np.argsort(x, kind="stable")
        x, values = x[order], values[order]
    return x, values, whole, further


def _values(points: Points) -> tuple[Int64s, Float64s]:
    """The place of the point that each number comes from, and the numbers."""
    if not points.payloads:
        return np.arange(len(points)), numbers(points)
    found = list(each_number(points))
    owners = np.array([place for place, _ in found], np.int64)
    return owners, np.array([number for _, number in found], np.float64)
