"""The steps of a trace as bars: places in thousandths of the time that it took. No I/O."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from faena.server.pages.addresses import trace_address
from faena.server.pages.rendering import with_query
from faena.server.pages.traces.list import length
from faena.traces import views
from faena.traces.model import SpanStatus
from faena.traces.tree import Placed

STEPS = 200
"""Of a page."""
_DEEPEST = 16
"""Steps that are deeper stand below each other as far in as this."""
_LEAST = 3.0
"""Thousandths that the shortest bar has, so that it is seen."""
_TICKS = 4


class Step(Struct, frozen=True):
    name: str
    kind: str
    failed: bool
    goes_on: bool
    inset: int
    took: str
    x: float
    width: float
    address: str
    is_chosen: bool


class Waterfall(Struct, frozen=True):
    steps: list[Step]
    ticks: list[str]
    """Times since the first step, evenly apart."""
    total: int


def build(trace_id: str, spans: Sequence[Placed], start: int, chosen: str) -> Waterfall:
    """`spans`: all of the trace; those from `start` on are drawn, on the axis of all. `chosen`: the id of one."""
    if not spans:
        return Waterfall([], [], 0)
    begin = min(each.span.began_ns for each in spans)
    end = max(each.span.ended_ns or each.span.began_ns for each in spans)
    whole = max(1, end - begin)
    steps = [_step(trace_id, each, begin, whole, start, chosen) for each in spans[start : start + STEPS]]
    ticks = [length(whole / 1e9 * each / _TICKS) for each in range(_TICKS + 1)]
    return Waterfall(steps, ["0", *ticks[1:]], len(spans))


def _step(trace_id: str, each: Placed, begin: int, whole: int, start: int, chosen: str) -> Step:
    span, scale = each.span, 1000 / whole
    until = span.ended_ns if span.ended_ns is not None else begin + whole
    x = (span.began_ns - begin) * scale
    width = max(_LEAST, (until - span.began_ns) * scale)
    x = max(0.0, min(x, 1000 - width))
    at = with_query(trace_address(span.trace_id or trace_id), {"step": span.id, "from": str(start or "")})
    return Step(
        name=span.name or span.id,
        kind=views.kind(span),
        failed=span.status is SpanStatus.FAILED,
        goes_on=span.ended_ns is None,
        inset=min(each.depth, _DEEPEST),
        took="goes on" if span.ended_ns is None else length((span.ended_ns - span.began_ns) / 1e9),
        x=round(x, 1),
        width=round(width, 1),
        address=f"{at}#step",
        is_chosen=span.id == chosen,
    )
