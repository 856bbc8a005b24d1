"""Many values as few, none of the extremes lost: the min-max decimation of waveform displays."""

from __future__ import annotations

from msgspec import Struct

from faena.tracking.arrays import np
from faena.tracking.points import Float64s


class Spans(Struct, frozen=True, eq=False):
    """Stretches of the axis with their least and greatest value; NaN where all of it is infinite or no number."""

    left: Float64s
    right: Float64s
    low: Float64s
    high: Float64s


def blocks(x: Float64s, y: Float64s, size: int) -> Float64s:
    """Rows left, right, low, high, of so many neighbours together."""
    if size == 1 or not len(x):
        return np.array([x, x, y, y])
    starts = np.arange(0, len(x), size)
    ends = np.append(starts[1:], len(x)) - 1
    return np.array([x[starts], x[ends], np.fmin.reduceat(y, starts), np.fmax.reduceat(y, starts)])


def joined_in_columns(spans: Spans, columns: int) -> Spans:
    """Spans joined, so that there is one for each column of pixels at most; NaN is nobody's least or greatest."""
    if len(spans.left) <= columns:
        return spans
    first, width = spans.left[0], spans.right.max() - spans.left[0]
    which = np.zeros(len(spans.left), np.int64)
    if width > 0:
        which = np.minimum(((spans.left - first) / width * columns).astype(np.int64), columns - 1)
    starts = np.flatnonzero(np.diff(which, prepend=-1))
    return Spans(
        spans.left[starts],
        np.maximum.reduceat(spans.right, starts),
        np.fmin.reduceat(spans.low, starts),
        np.fmax.reduceat(spans.high, starts),
    )


def zigzag(spans: Spans) -> tuple[Float64s, Float64s]:
    """Two points for each span, alternately down and up, so that a line through them shows all extremes."""
    x = np.column_stack([spans.left, spans.right]).ravel()
    y = np.column_stack([spans.low, spans.high])
    y[1::2] = y[1::2, ::-1]
    return x, y.ravel()
