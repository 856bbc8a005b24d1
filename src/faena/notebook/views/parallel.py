"""Trials of a sweep in parallel coordinates. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from math import log

from faena.kernel.plural import counted
from faena.notebook.views.blocks import Axis, Parallel
from faena.notebook.views.sweep_data import ParameterAxis, SweepData
from faena.notebook.views.words import cut, number

MOST_THREADS = 200
_MOST_AXES = 8


def parallel(data: SweepData) -> Parallel:
    """Of the best and the latest trials; the last axis is the metric."""
    chosen = _chosen(data)
    axes = [_axis(axis, chosen) for axis in data.axes[:_MOST_AXES]]
    values = [data.values[at] for at in chosen]
    axes.append(_axis(ParameterAxis(data.metric, "number", [], list(values)), range(len(values))))
    ordered = sorted(range(len(values)), key=lambda at: values[at], reverse=data.goal == "maximize")
    rank = {at: place / max(1, len(ordered) - 1) for place, at in enumerate(ordered)}
    left = data.more_axes + max(0, len(data.axes) - _MOST_AXES)
    more = [counted(left, "more parameter")] if left else []
    if data.valued > len(chosen):
        more.append(counted(data.valued - len(chosen), "more trial"))
    return Parallel(
        "parallel",
        "Parallel coordinates",
        tuple(axes),
        tuple(rank[at] for at in range(len(values))),
        tuple(f"trial {data.numbers[at]}: {number(data.values[at])}" for at in chosen),
        f"{' and '.join(more)} on the page." if more else "",
    )


def _chosen(data: SweepData) -> Sequence[int]:
    """Places of the best half and of the latest trials."""
    places = range(len(data.numbers))
    if len(places) <= MOST_THREADS:
        return places
    best = sorted(places, key=lambda at: data.values[at], reverse=data.goal == "maximize")
    kept = set(best[: MOST_THREADS // 2])
    for at in reversed(places):
        if len(kept) == MOST_THREADS:
            break
        kept.add(at)
    return sorted(kept)


def _axis(axis: ParameterAxis, chosen: Sequence[int]) -> Axis:
    found = [axis.values[at] for at in chosen]
    known = [each for each in found if each is not None]
    if axis.kind == "options":
        last = max(1, len(axis.options) - 1)
        places = [None if each is None else each / last if len(axis.options) > 1 else 0.5 for each in found]
        ends = (axis.options[0], axis.options[-1]) if axis.options else ("", "")
        return Axis(cut(axis.name, 60), cut(ends[0], 40), cut(ends[1], 40), tuple(places))
    low, high = min(known, default=0.0), max(known, default=0.0)
    scale = log if axis.kind == "log" and low > 0 else float
    bottom, span = scale(low) / 2, scale(high) / 2 - scale(low) / 2
    return Axis(
        cut(axis.name, 60),
        number(low, 4),
        number(high, 4),
        tuple(None if each is None else (scale(each) / 2 - bottom) / span if span else 0.5 for each in found),
    )
