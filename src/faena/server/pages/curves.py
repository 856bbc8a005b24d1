"""A metric as a chart needs it: as many points as its width can show."""

from __future__ import annotations

import msgspec
import numpy as np
import numpy.typing as npt

from faena.db import Read
from faena.objects.files import ObjectFiles
from faena.tracking import query
from faena.tracking.points import NO_STEP

Numbers = npt.NDArray[np.float64]


class Curve(msgspec.Struct, frozen=True):
    """`x` grows, and is the step where each value has one, else the value's place. Infinite values are left out."""

    axis: str
    """step or value"""
    x: list[float]
    y: list[float]
    count: int
    """Values that were logged."""
    last: float | None
    min: float | None
    max: float | None


def curve(read: Read, objects: ObjectFiles, run_id: str, name: str, source: str, pixels: int) -> Curve:
    """At most four points a pixel: where the line comes in, its lowest, its highest, where it goes out.

    Raises NotFound when the run has no such metric.
    """
    series = query.series(read, objects, run_id, name, source)
    value = series.value
    stepped = len(value) > 0 and bool((series.step != NO_STEP).all())
    place = series.step.astype(np.float64) if stepped else np.arange(len(value), dtype=np.float64)
    finite = np.isfinite(value)
    x, y = place[finite], value[finite]
    if stepped:
        order = np.argsort(x, kind="stable")
        x, y = x[order], y[order]
    last = float(value[-1]) if len(value) and np.isfinite(value[-1]) else None
    low, high = (float(y.min()), float(y.max())) if len(y) else (None, None)
    x, y = cut(x, y, pixels)
    return Curve("step" if stepped else "value", x.tolist(), y.tolist(), len(value), last, low, high)


def cut(x: Numbers, y: Numbers, pixels: int) -> tuple[Numbers, Numbers]:
    """The points that draw the same line on so many pixels. `x` must not fall."""
    if len(x) <= 4 * pixels or x[0] == x[-1]:
        return x, y
    column = np.minimum((x - x[0]) * (pixels / (x[-1] - x[0])), pixels - 1).astype(np.int64)
    begins = np.flatnonzero(np.diff(column, prepend=-1))
    ends = np.append(begins[1:], len(x)) - 1
    by_value = np.lexsort((y, column))  # columns stay where they are; within each, values grow
    kept = np.unique(np.concatenate([begins, ends, by_value[begins], by_value[ends]]))
    return x[kept], y[kept]
