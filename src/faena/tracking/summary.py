"""What is known of a metric without reading its points."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, NamedTuple

from msgspec import Struct

from faena.kernel.clock import Micros
from faena.tracking.arrays import np
from faena.tracking.points import FLOAT, INT, NO_STEP, Float64s, Points

_NUMBERS = frozenset({float, int})
"""Of what JSON has; a truth value is none."""


class Summary(Struct, frozen=True):
    """See `MetricSummary`, which adds whose it is."""

    count: int
    nans: int
    last: float | None
    min: float | None
    max: float | None
    last_step: int | None
    first_time: Micros
    last_time: Micros

    def joined(self, later: Summary, *, by_step: bool = False) -> Summary:
        """Of these points and those of `later`, which arrived after them. `by_step`: as `summarise`."""
        newest = later if later.last_time >= self.last_time else self
        if by_step:
            newest = max(self, later, key=_place)
        return Summary(
            count=self.count + later.count,
            nans=self.nans + later.nans,
            last=newest.last,
            min=_least(self.min, later.min),
            max=_greatest(self.max, later.max),
            last_step=newest.last_step,
            first_time=min(self.first_time, later.first_time),
            last_time=newest.last_time,
        )


def _place(summary: Summary) -> tuple[int, Micros, float]:
    """Where its last point stands among points in the order of their steps, NaN before all numbers."""
    step = NO_STEP if summary.last_step is None else summary.last_step
    last = summary.last
    return step, summary.last_time, -math.inf if last is None or last != last else last


def summarise(points: Points, *, by_step: bool = False) -> Summary:
    """Of at least one point.

    The last point is the one of the latest time; `by_step`, as MLflow has it, that of the greatest step, of those the
    latest, of those the greatest, and `last_time` is when that one was logged.
    """
    if len(points) == 1 and not points.payloads:
        return _of_one(points)
    if by_step:
        newest = int(np.lexsort((numbers(points), points.time, points.step))[-1])
    else:
        newest = len(points) - 1 - int(points.time[::-1].argmax())
    step = int(points.step[newest])
    if points.payloads:
        read = list(_read(points))
        values, last = _floats(chain.from_iterable(each.numbers for each in read)), read[newest].numbers
        count = sum(each.size for each in read)
    else:
        values, count = numbers(points), len(points)
        last = values[newest : newest + 1].tolist()
    known = values[~np.isnan(values)]
    return Summary(
        count=count,
        nans=len(values) - len(known),
        last=last[-1] if last else None,
        min=float(known.min()) if len(known) else None,
        max=float(known.max()) if len(known) else None,
        last_step=None if step == NO_STEP else step,
        first_time=int(points.time.min()),
        last_time=int(points.time[newest]),
    )


def _of_one(points: Points) -> Summary:
    """The same without arrays: what most batches of a running script come to."""
    bits, step, time = points.bits.item(), points.step.item(), points.time.item()
    value = float(bits) if points.kind.item() == INT else points.bits.view(np.float64).item()
    known = None if value != value else value
    return Summary(1, int(known is None), value, known, known, None if step == NO_STEP else step, time, time)


def numbers(points: Points) -> Float64s:
    """The numbers among the values as float64, those of lists included, in the order of the points."""
    if not points.payloads:
        values = points.bits.view(np.float64).copy()
        integer = points.kind == INT
        values[integer] = points.bits[integer]
        return values
    return _floats(chain.from_iterable(each.numbers for each in _read(points)))


def each_number(points: Points) -> Iterator[tuple[int, float]]:
    """(place of its point, number) for each number, those of lists included."""
    for place, each in enumerate(_read(points)):
        for number in each.numbers:
            yield place, number


class _Values(NamedTuple):
    """Of one point."""

    size: int
    numbers: list[float]


def _read(points: Points) -> Iterator[_Values]:
    """Point by point, each record read once: one may be a list of a million values."""
    floats = points.bits.view(np.float64).tolist()
    for place, (kind, bits) in enumerate(zip(points.kind.tolist(), points.bits.tolist(), strict=True)):
        if kind == FLOAT:
            yield _Values(1, [floats[place]])
        elif kind == INT:
            yield _Values(1, [float(bits)])
        else:
            record = json.loads(points.payloads[bits])
            values = record["values"] if record["op"] == "list" else [record.get("value")]
            found = [
                value if type(value) is float else _float(value)
                for value in values
                if type(value) in _NUMBERS
            ]
            yield _Values(_size(record), found)


def _floats(values: Iterable[float]) -> Float64s:
    return np.fromiter(values, np.float64)


def _size(record: dict[str, Any]) -> int:
    if record["op"] == "list":
        return len(record["values"])
    if record["op"] == "table":
        return max((len(values) for values in record["columns"].values()), default=0)
    return 1


def _float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def _least(first: float | None, second: float | None) -> float | None:
    return second if first is None else first if second is None else min(first, second)


def _greatest(first: float | None, second: float | None) -> float | None:
    return second if first is None else first if second is None else max(first, second)
