"""What is known of a metric without reading its points."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from faena.kernel.clock import Micros
from faena.tracking.points import FLOAT, INT, JSON, NO_STEP, Float64s, Points


@dataclass(frozen=True, slots=True)
class Summary:
    """See `MetricSummary`, which adds whose it is."""

    count: int
    nans: int
    last: float | None
    min: float | None
    max: float | None
    last_step: int | None
    first_time: Micros
    last_time: Micros

    def joined(self, later: Summary) -> Summary:
        """Of these points and those of `later`, which arrived after them."""
        newest = later if later.last_time >= self.last_time else self
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


def summarise(points: Points) -> Summary:
    """Of at least one point."""
    if len(points) == 1 and not points.payloads:
        return _of_one(points)
    values = numbers(points)
    known = values[~np.isnan(values)]
    newest = len(points) - 1 - int(points.time[::-1].argmax())
    step = int(points.step[newest])
    last = numbers(points.slice(newest, newest + 1)) if points.payloads else values[newest : newest + 1]
    return Summary(
        count=_count(points),
        nans=len(values) - len(known),
        last=float(last[-1]) if len(last) else None,
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
    return np.array([value for _, value in each_number(points)], np.float64)


def each_number(points: Points) -> Iterator[tuple[int, float]]:
    """(place of its point, number) for each number, those of lists included."""
    floats = points.bits.view(np.float64).tolist()
    for place, (kind, bits) in enumerate(zip(points.kind.tolist(), points.bits.tolist(), strict=True)):
        if kind == FLOAT:
            yield place, floats[place]
        elif kind == INT:
            yield place, float(bits)
        else:
            record = json.loads(points.payloads[bits])
            values = record["values"] if record["op"] == "list" else [record.get("value")]
            for value in values:
                if isinstance(value, int | float) and not isinstance(value, bool):
                    yield place, _float(value)


def _count(points: Points) -> int:
    if not points.payloads:
        return len(points)
    return int((points.kind != JSON).sum()) + sum(_size(json.loads(payload)) for payload in points.payloads)


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
