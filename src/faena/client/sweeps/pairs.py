"""Plotly figures over two things at once: a metric over two parameters, and two metrics."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import Any

from faena.client.metrics.plots import as_text
from faena.client.sweeps.axes import Axis, Drawable, Tried
from faena.client.sweeps.canvas import BLUE, GREY, RED, about, begin, chosen, layout, note
from faena.kernel.errors import UserErrorException
from faena.sweeps.comparing import mean_with

_CELLS = 24
"""Of a contour's grid, in each direction where it is not of categories."""
_NO_DISTANCE = 1e-12


def contour(drawable: Drawable, x: str, y: str) -> Any:
    """The value over two parameters: means in the cells of a grid, between which it is interpolated by distance.

    Raises UserErrorException for what is no parameter, and for the same one twice.
    """
    across, up = drawable.axis(x), drawable.axis(y)
    if across == up:
        raise UserErrorException(f"x and y are both {across.name!r}. Give two parameters.")
    figure, _ = begin(drawable, f"{drawable.metric} by {across.name} and {up.name}")
    measured = [each for each in drawable.measured if _at(each, across, up) is not None]
    kept = chosen(drawable, measured)
    if drawable.measured and not kept:
        note(figure, f"No trial with a value has both {across.name} and {up.name}.")
    lines = (_lines(across, measured), _lines(up, measured))
    if all(len(each) > 1 for each in lines):
        spread = sorted(each.value for each in measured if each.value is not None)
        figure.add_contour(
            x=[10**place if across.kind == "log" else place for place in lines[0]],
            y=[10**place if up.kind == "log" else place for place in lines[1]],
            z=_grid(measured, across, up, lines),
            zmin=spread[len(spread) // 20],
            zmax=spread[-1 - len(spread) // 20],
            colorscale="Blues",
            reversescale=drawable.goal == "minimize",
            colorbar={"title": {"text": as_text(drawable.metric)}},
            line={"width": 0.5},
        )
    figure.add_scatter(
        x=[across.place(each.parameters) for each in kept],
        y=[up.place(each.parameters) for each in kept],
        mode="markers",
        marker={"color": RED, "size": 5, "line": {"width": 0.5, "color": "white"}},
        text=list(map(about, kept)),
        hovertemplate="%{text}<extra></extra>",
        showlegend=False,
    )
    figure.update_xaxes(**layout(across))
    figure.update_yaxes(**layout(up))
    return figure


def pareto(
    across: Drawable, up: Drawable, front: Collection[int], refused: Collection[int] = frozenset()
) -> Any:
    """Two metrics of each trial, those on the front set off.

    `front`: their numbers; `refused`: of those that do not fulfil the conditions on metrics.
    """
    others = {each.trial.number: each.value for each in up.tried}
    figure, _ = begin(across, f"{across.metric} and {up.metric}")
    measured = [each for each in across.measured if others[each.trial.number] is not None]
    on: list[Tried] = []
    against: list[Tried] = []
    rest: list[Tried] = []
    for each in measured:
        number = each.trial.number
        (on if number in front else against if number in refused else rest).append(each)
    for name, trials, marker in (
        ("other trials", rest, {"color": GREY}),
        ("not within metric_constraints", against, {"color": RED, "symbol": "x-thin-open"}),
        ("on the Pareto front", on, {"color": BLUE}),
    ):
        shown = chosen(across, trials)
        figure.add_scatter(
            x=[each.value for each in shown],
            y=[others[each.trial.number] for each in shown],
            mode="markers",
            name=name,
            marker={**marker, "size": 7},
            text=[
                f"{about(each)}<br>{as_text(up.metric)}: {others[each.trial.number]:.6g}" for each in shown
            ],
            hovertemplate="%{text}<extra></extra>",
            showlegend=bool(shown),
        )
    figure.update_xaxes(title_text=f"{as_text(across.metric)} ({across.goal})")
    figure.update_yaxes(title_text=f"{as_text(up.metric)} ({up.goal})")
    return figure


Point = tuple[float, float]


def _at(tried: Tried, across: Axis, up: Axis) -> Point | None:
    x, y = _linear(across, tried), _linear(up, tried)
    return None if x is None or y is None else (x, y)


def _linear(axis: Axis, tried: Tried) -> float | None:
    place = axis.place(tried.parameters)
    return math.log10(place) if place is not None and axis.kind == "log" else place


def _lines(axis: Axis, measured: Sequence[Tried]) -> list[float]:
    """Where the grid has its lines; one where all trials are at the same place."""
    places = [place for each in measured if (place := _linear(axis, each)) is not None]
    if not places:
        return []
    low, high = min(places), max(places)
    if low == high:
        return [low]
    if axis.kind == "category" and len(axis.places) <= _CELLS:
        return [float(place) for place in range(int(low), int(high) + 1)]
    return [low * (1 - step / (_CELLS - 1)) + high * (step / (_CELLS - 1)) for step in range(_CELLS)]


def _grid(
    measured: Sequence[Tried], across: Axis, up: Axis, lines: tuple[list[float], list[float]]
) -> list[list[float]]:
    """Rows of the grid. Cells without a trial have the mean of the others by the square of their distance (Shepard,
    1968)."""
    means: dict[tuple[int, int], tuple[float, int]] = {}
    for each in measured:
        if (point := _at(each, across, up)) is None or each.value is None:
            continue
        cell = (_nearest(lines[0], point[0]), _nearest(lines[1], point[1]))
        mean, count = means.get(cell, (None, 0))
        means[cell] = mean_with(mean, each.value, count + 1), count + 1
    width, height = len(lines[0]) - 1, len(lines[1]) - 1
    known = [(column / width, row / height, mean) for (column, row), (mean, _) in means.items()]
    return [
        [
            means[column, row][0] if (column, row) in means else _between(known, column / width, row / height)
            for column in range(width + 1)
        ]
        for row in range(height + 1)
    ]


def _nearest(lines: Sequence[float], place: float) -> int:
    share = (
        place / 2 - lines[0] / 2,
        lines[-1] / 2 - lines[0] / 2,
    )  # halves: their difference is a number, too
    return round(share[0] / share[1] * (len(lines) - 1))


def _between(known: Sequence[tuple[float, float, float]], x: float, y: float) -> float:
    weights = [1 / ((x - at) ** 2 + (y - height) ** 2 + _NO_DISTANCE) for at, height, _ in known]
    whole = math.fsum(weights)
    return sum(weight / whole * value for weight, (_, _, value) in zip(weights, known, strict=True))
