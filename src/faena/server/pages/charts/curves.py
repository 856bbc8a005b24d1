"""A metric as the page draws it: as many points as its width can show, none of them infinite."""

from __future__ import annotations

import msgspec

from faena.db import Read
from faena.objects.contract import ObjectFiles
from faena.tracking.chart import chart


class Curve(msgspec.Struct, frozen=True):
    """`x` grows, and is the step, or the value's place where the metric has no steps."""

    axis: str
    """step or index"""
    x: list[float]
    y: list[float]
    count: int
    """Values that were logged."""
    last: float | None
    min: float | None
    max: float | None


def curve(read: Read, objects: ObjectFiles, run_id: str, name: str, source: str, pixels: int) -> Curve:
    """Raises NotFound when the run has no such metric."""
    found = chart(read, objects, run_id, name, source=source, pixels=pixels)
    finite = [(x, y) for x, y in zip(found.x, found.y, strict=True) if y is not None]
    y = [value for _, value in finite]
    return Curve(
        axis="step" if found.axis == "step" else "index",
        x=[place for place, _ in finite],
        y=y,
        count=found.count,
        last=found.last,
        min=min(y, default=None),
        max=max(y, default=None),
    )
