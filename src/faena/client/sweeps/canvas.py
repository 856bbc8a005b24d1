"""What all figures of a sweep have in common: which trials and parameters they show, and what they say of others."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from typing import Any

from faena.client.metrics.plots import as_text, check_plotly
from faena.client.sweeps.axes import Axis, Drawable, Tried
from faena.client.sweeps.importance import importances
from faena.sweeps.comparing import key_of

MOST = 2_000
"""Trials in a figure: half the best ones, half the others, evenly."""
_MOST_PARAMETERS = 12
"""In a figure for which none was named: those that explain most."""
_MOST_TICKS = 40
_HOVER = 300
BLUE, GREY, RED = "#1f6feb", "#8c959f", "#d1242f"


def begin(drawable: Drawable, title: str, figure: Any = None) -> tuple[Any, list[Tried]]:
    """A figure, and the trials that it is to show."""
    check_plotly()
    import plotly.graph_objects as go

    figure = go.Figure() if figure is None else figure
    measured = drawable.measured
    kept = chosen(drawable, measured)
    said = [as_text(title)]
    if len(kept) < len(measured):
        said.append(f"{len(kept):,} of {len(measured):,} trials: the best, and the others evenly")
    if missing := len(drawable.tried) - len(measured):
        said.append(f"{missing:,} trial{'s have' if missing > 1 else ' has'} no value")
    figure.update_layout(
        template="plotly_white",
        title={"text": "<br>".join([said[0], *(f"<sub>{each}</sub>" for each in said[1:])])},
    )
    if not measured:
        note(figure, f"No trial has a value of {drawable.metric} yet.")
    return figure, kept


def chosen(drawable: Drawable, measured: Sequence[Tried]) -> list[Tried]:
    """At most so many as a figure may have, in their order."""
    if len(measured) <= MOST:
        return list(measured)
    ranked = sorted(measured, key=lambda each: (key_of(drawable.goal, each.value), each.trial.number))
    best, others = ranked[: MOST // 2], sorted(ranked[MOST // 2 :], key=lambda each: each.trial.number)
    count = MOST - len(best)
    evenly = [others[place * (len(others) - 1) // (count - 1)] for place in range(count)]
    return sorted([*best, *evenly], key=lambda each: each.trial.number)


def note(figure: Any, text: str) -> None:
    """In the middle of a figure that has nothing to show."""
    figure.add_annotation(text=as_text(text), showarrow=False, xref="paper", yref="paper", x=0.5, y=0.5)


def about(tried: Tried) -> str:
    """What is shown of a trial where the mouse is."""
    trial = tried.trial
    lines = [
        f"trial {trial.number} ({trial.status})",
        *(f"{name}: {value:.6g}" for name, value in _value(tried)),
    ]
    lines += [f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in tried.parameters.items()]
    if trial.stopped:
        lines.append(trial.stopped)
    text = "\n".join(lines)
    return "<br>".join(as_text(line) for line in text[:_HOVER].split("\n")) + (
        "…" if len(text) > _HOVER else ""
    )


def _value(tried: Tried) -> list[tuple[str, float]]:
    return [] if tried.value is None else [("value", tried.value)]


def layout(axis: Axis) -> dict[str, Any]:
    """Of an x or a y axis whose places are those of a parameter."""
    found: dict[str, Any] = {"title_text": as_text(axis.name)}
    if axis.kind == "log":
        found |= {"type": "log"}
    if axis.kind == "category":
        found |= {"range": [-0.5, len(axis.places) - 0.5], **ticks(axis)}
    return found


def ticks(axis: Axis, shown: Callable[[str], str] = as_text) -> dict[str, Any]:
    """Of categories: not more than can be read."""
    step = math.ceil(max(1, len(axis.places)) / _MOST_TICKS)
    return {
        "tickvals": list(range(0, len(axis.places), step)),
        "ticktext": [shown(each) for each in axis.labels[::step]],
    }


def axes_of(drawable: Drawable, names: Sequence[str]) -> list[Axis]:
    """Those that were named, all, or where there are many those that explain most, in the order of the space."""
    if names:
        return [drawable.axis(name) for name in names]
    there = [
        axis
        for axis in drawable.axes.values()
        if any(axis.name in each.parameters for each in drawable.tried)
    ]
    if len(there) > _MOST_PARAMETERS:
        shares = importances(there, drawable.tried)
        first = sorted(there, key=lambda axis: -shares.get(axis.name, 0.0))[:_MOST_PARAMETERS]
        there = [axis for axis in there if axis in first]
    return there
