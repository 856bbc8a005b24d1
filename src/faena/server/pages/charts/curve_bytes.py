"""Curves as a browser reads them without parsing numbers: a head in JSON, then places as float64, values as float32.

    4 bytes    length of the head, little-endian
    head       UTF-8, filled with spaces until the data begin at a multiple of 8
    data       for each chart its grid (float64), then for each curve `low`, and `high` where it differs (float32)

A value is `base + scale * sent`: a float32 holds neither 1e300 nor the difference between 1e16 and its neighbour.
"""

from __future__ import annotations

import math
import struct
from typing import Any

import msgspec
import numpy as np

from faena.tracking.overlay import OverlaidCurve, Overlay

_GREATEST, _LEAST = 1e37, 1e-30
"""Beyond these a float32 loses what it is given."""
_CLOSE = 1e-4
"""Where values differ by less than this share of their size, their differences are sent."""


def encoded(overlays: list[Overlay]) -> bytes:
    parts: list[bytes] = []
    size = 0

    def place(data: bytes) -> int:
        nonlocal size
        at = size
        filled = data + b"\0" * (-len(data) % 8)
        parts.append(filled)
        size += len(filled)
        return at

    charts = []
    for each in overlays:
        base, scale = _unit(each.curves)
        curves = [_curve(curve, base, scale, place) for curve in each.curves]
        x = {"at": place(each.x.astype("<f8").tobytes()), "count": len(each.x)}
        charts.append(
            {
                "name": each.name,
                "axis": each.axis,
                "exact": each.exact,
                "base": base,
                "scale": scale,
                "x": x,
                "curves": curves,
            }
        )
    head = msgspec.json.encode({"charts": charts})
    head += b" " * (-(4 + len(head)) % 8)
    return struct.pack("<I", len(head)) + head + b"".join(parts)


def _unit(curves: list[OverlaidCurve]) -> tuple[float, float]:
    """The same for all curves of a chart, so that they share its axis."""
    ends = [
        (float(np.nanmin(each.low)), float(np.nanmax(each.high)))
        for each in curves
        if len(each.low) and not np.isnan(each.low).all()
    ]
    if not ends:
        return 0.0, 1.0
    low, high = min(end[0] for end in ends), max(end[1] for end in ends)
    size = max(abs(low), abs(high))
    spread = high - low
    base = low if 0 < spread < size * _CLOSE else 0.0
    greatest = spread if base else size
    return base, 1.0 if greatest == 0 or _LEAST < greatest < _GREATEST else greatest


def _curve(curve: OverlaidCurve, base: float, scale: float, place: Any) -> dict[str, Any]:
    def sent(values: Any) -> bytes:
        return bytes(((values - base) / scale).astype("<f4").tobytes())

    low = sent(curve.low)
    high = sent(curve.high)
    at = place(low)
    return {
        "run": curve.run_id,
        "first": curve.first,
        "count": len(curve.low),
        "low": at,
        "high": at if high == low else place(high),
        "points": curve.count,
        "nans": curve.nans,
        "last": _finite(curve.last),
        "min": _finite(curve.least),
        "max": _finite(curve.greatest),
    }


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
