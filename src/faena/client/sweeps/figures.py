"""Plotly figures of a sweep's trials. However many there are, a figure has some thousand at most, and says so."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from faena.client.metrics.plots import as_text, check_plotly, printable
from faena.client.sweeps.axes import Axis, Drawable, Tried
from faena.client.sweeps.canvas import BLUE, GREY, RED, about, axes_of, begin, layout, note, ticks
from faena.client.sweeps.importance import LEAST, importances
from faena.sweeps.comparing import key_of

_MOST_SHARES = 30
_MISSING = "not set"


def history(drawable: Drawable) -> Any:
    """Values in the order of the trials, and the best until each."""
    figure, kept = begin(drawable, f"{drawable.metric} by trial")
    for stopped, name, symbol in ((False, "trials", "circle"), (True, "stopped by the policy", "x")):
        shown = [each for each in kept if bool(each.trial.stopped) is stopped]
        if shown or not stopped:
            figure.add_scatter(
                x=[each.trial.number for each in shown],
                y=[each.value for each in shown],
                mode="markers",
                name=name,
                marker={"color": BLUE if not stopped else GREY, "symbol": symbol, "size": 7},
                text=list(map(about, shown)),
                hovertemplate="%{text}<extra></extra>",
            )
    pick = max if drawable.goal == "maximize" else min
    measured = drawable.measured
    best = list(accumulate((each.value for each in measured if each.value is not None), pick))
    steps = [
        place for place in range(len(best)) if place in (0, len(best) - 1) or best[place] != best[place - 1]
    ]
    figure.add_scatter(
        x=[measured[place].trial.number for place in steps],
        y=[best[place] for place in steps],
        mode="lines",
        line={"color": RED, "width": 1.5, "shape": "hv"},
        name="best so far",
    )
    figure.update_xaxes(title_text="trial")
    figure.update_yaxes(title_text=as_text(drawable.metric))
    return figure


def parallel_coordinates(drawable: Drawable, names: Sequence[str]) -> Any:
    """A line for each trial through its parameters and its value; the better, the darker."""
    figure, kept = begin(drawable, f"{drawable.metric} and parameters")
    if not kept:
        return figure
    axes = axes_of(drawable, names)
    values = [each.value for each in kept if each.value is not None]
    figure.add_parcoords(
        dimensions=[
            *(_dimension(axis, kept) for axis in axes),
            {"label": as_text(drawable.metric), "values": values, "range": _range(values)},
        ],
        line={
            "color": _places_from_the_worst(drawable, values),
            "colorscale": "Blues",
            "cmin": -0.3,
            "cmax": 1,
        },
    )
    figure.update_layout(margin={"t": 150})
    return figure


def slices(drawable: Drawable, names: Sequence[str]) -> Any:
    """The value over each parameter, side by side; the later a trial, the darker."""
    check_plotly()
    from plotly.subplots import make_subplots

    axes = axes_of(drawable, names)
    columns = min(4, max(1, len(axes)))
    rows = max(1, math.ceil(len(axes) / columns))
    made = make_subplots(rows=rows, cols=columns, shared_yaxes=True)
    figure, kept = begin(drawable, f"{drawable.metric} by parameter", made)
    for place, axis in enumerate(axes):
        row, column = divmod(place, columns)
        where = {"row": row + 1, "col": column + 1}
        shown = [each for each in kept if axis.place(each.parameters) is not None]
        figure.add_scatter(
            x=[axis.place(each.parameters) for each in shown],
            y=[each.value for each in shown],
            mode="markers",
            marker={
                "color": [each.trial.number for each in shown],
                "colorscale": "Blues",
                "cmin": -len(drawable.tried) / 3,
                "cmax": len(drawable.tried),
                "line": {"width": 0.5, "color": GREY},
            },
            text=list(map(about, shown)),
            hovertemplate="%{text}<extra></extra>",
            showlegend=False,
            **where,
        )
        figure.update_xaxes(**layout(axis), **where)
        if column == 0:
            figure.update_yaxes(title_text=as_text(drawable.metric), **where)
    figure.update_layout(height=max(360, 300 * rows))
    return figure


def importance(drawable: Drawable) -> Any:
    """How much of the differences between trials each parameter explains by itself; see `importance.py`."""
    shares = importances(drawable.axes.values(), drawable.tried)
    figure, _ = begin(
        drawable, f"Share of the differences in {drawable.metric} that a parameter explains by itself"
    )
    most = dict(list(shares.items())[:_MOST_SHARES])
    if not shares and drawable.measured:
        note(figure, f"There are {LEAST} trials with different values at least before this says something.")
    figure.add_bar(
        x=list(most.values())[::-1],
        y=[as_text(name) for name in most][::-1],
        orientation="h",
        marker={"color": BLUE},
        texttemplate="%{x:.1%}",
        hovertemplate="%{y}: %{x:.1%}<extra></extra>",
    )
    figure.update_xaxes(range=[0, 1], tickformat=".0%")
    figure.update_yaxes(type="category")
    figure.update_layout(height=max(320, 120 + 30 * len(most)))
    return figure


def _dimension(axis: Axis, kept: Sequence[Tried]) -> dict[str, Any]:
    """Of parallel coordinates, which have neither logarithms nor gaps: a trial without the parameter is below all."""
    places = [axis.place(each.parameters) for each in kept]
    if axis.kind == "log":
        places = [None if place is None else math.log10(place) for place in places]
    known = [place for place in places if place is not None]
    low, high = min(known, default=0.0), max(known, default=0.0)
    found: dict[str, Any] = {"label": as_text(axis.name)}
    if axis.kind == "category":
        low, high = 0.0, len(axis.places) - 1.0
        found |= ticks(axis, printable)  # here nobody takes a tick's text for HTML
    else:
        at = [low * (1 - part) + high * part for part in (0, 0.25, 0.5, 0.75, 1)] if high > low else [low]
        found |= {
            "tickvals": at,
            "ticktext": [f"{10**each if axis.kind == 'log' else each:.3g}" for each in at],
        }
    if len(known) < len(places):
        below = low - ((high - low) * 0.15 or 0.5)
        found["tickvals"] = [below, *found["tickvals"]]
        found["ticktext"] = [_MISSING, *found["ticktext"]]
        places = [below if place is None else place for place in places]
    found["values"] = places
    found["range"] = _range([place for place in places if place is not None] + [low, high])
    return found


def _range(values: Sequence[float]) -> list[float]:
    low, high = min(values), max(values)
    return [low, high] if high > low else [low - 0.5, high + 0.5]


def _places_from_the_worst(drawable: Drawable, values: Sequence[float]) -> list[float]:
    """0: the worst, 1: the best: by rank, as one trial that diverged would make all others alike."""
    order = sorted(set(values), key=lambda value: -key_of(drawable.goal, value))
    places = {value: place / max(1, len(order) - 1) for place, value in enumerate(order)}
    return [places[value] if len(order) > 1 else 1.0 for value in values]
