"""Small charts as the paths and labels of an SVG. No I/O."""

from __future__ import annotations

import math
from collections.abc import Sequence

from msgspec import Struct

from faena.server.pages.words import number

WIDTH, HEIGHT = 360.0, 200.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 48.0, 14.0, 8.0, 22.0
_MOST_POINTS = 500
"""Of a line, that are drawn."""
_TICKS = 4
_LABEL = 9
"""Characters of a tick's label."""

Number = float | None
Point = tuple[float, float]


class Tick(Struct, frozen=True):
    at: float
    text: str


class Line(Struct, frozen=True):
    name: str
    place: int
    """Which of the colours."""
    path: str


class Plot(Struct, frozen=True):
    title: str
    across: str
    """What the horizontal axis is."""
    up: str
    lines: tuple[Line, ...] = ()
    bars: str = ""
    """One path for all of them."""
    errors: str = ""
    ticks_across: tuple[Tick, ...] = ()
    ticks_up: tuple[Tick, ...] = ()


class Frame(Struct, frozen=True):
    """Values' places on the drawing."""

    left: float
    right: float
    low: float
    high: float

    def x(self, value: float) -> float:
        return _LEFT + _share(value, self.left, self.right) * (WIDTH - _LEFT - _RIGHT)

    def y(self, value: float) -> float:
        return HEIGHT - _BOTTOM - _share(value, self.low, self.high) * (HEIGHT - _TOP - _BOTTOM)

    def ticks(self) -> tuple[tuple[Tick, ...], tuple[Tick, ...]]:
        across = tuple(Tick(_short(self.x(each)), _label(each)) for each in _steps(self.left, self.right))
        up = tuple(Tick(_short(self.y(each)), _label(each)) for each in _steps(self.low, self.high))
        return across, up


def finite(value: object) -> Number:
    """A number that can be drawn; None for all else, a truth value too."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) and abs(found) < 1e300 else None


def numbers(values: object) -> list[Number]:
    return [finite(each) for each in values] if isinstance(values, list) else []


def line_plot(
    title: str, across: str, up: str, lines: Sequence[tuple[str, Sequence[Point]]], frame: Frame | None = None
) -> Plot | None:
    """None where there is nothing to draw."""
    points = [point for _, found in lines for point in found]
    if not points:
        return None
    frame = frame or framed([x for x, _ in points], [y for _, y in points])
    drawn = tuple(
        Line(name, place % 8, _path(frame, found)) for place, (name, found) in enumerate(lines) if found
    )
    ticks = frame.ticks()
    return Plot(title, across, up, drawn, ticks_across=ticks[0], ticks_up=ticks[1])


def bar_plot(title: str, across: str, edges: Sequence[Number], counts: Sequence[Number]) -> Plot | None:
    """A histogram; bars without an edge or a count are left out."""
    bars = [
        (left, right, count)
        for left, right, count in zip(edges, edges[1:], counts, strict=False)
        if left is not None and right is not None and count is not None
    ][:_MOST_POINTS]
    if not bars:
        return None
    frame = framed([each for left, right, _ in bars for each in (left, right)], [0.0, *(c for *_, c in bars)])
    base = frame.y(0.0)
    path = "".join(
        f"M{_short(frame.x(left))} {_short(base)}V{_short(frame.y(count))}H{_short(frame.x(right))}V{_short(base)}Z"
        for left, right, count in bars
    )
    ticks = frame.ticks()
    return Plot(title, across, "count", bars=path, ticks_across=ticks[0], ticks_up=ticks[1])


def error_marks(frame: Frame, points: Sequence[Point], errors: Sequence[Number]) -> str:
    marks = [(x, y, error) for (x, y), error in zip(points, errors, strict=False) if error is not None]
    return "".join(
        f"M{_short(frame.x(x))} {_short(frame.y(y - abs(error)))}V{_short(frame.y(y + abs(error)))}"
        for x, y, error in marks[:_MOST_POINTS]
    )


def framed(across: Sequence[float], up: Sequence[float]) -> Frame:
    left, right = min(across), max(across)
    low, high = min(up), max(up)
    return Frame(left, right if right > left else left + 1, low, high if high > low else low + 1)


def _path(frame: Frame, points: Sequence[Point]) -> str:
    step = max(1, math.ceil(len(points) / _MOST_POINTS))
    kept = [*points[:-1:step], points[-1]] if len(points) > 1 else [points[0], points[0]]
    return "M" + "L".join(f"{_short(frame.x(x))} {_short(frame.y(y))}" for x, y in kept)


def _share(value: float, low: float, high: float) -> float:
    width = high - low
    if not (0 < width < math.inf):
        return 0.5
    return min(1.0, max(0.0, (value - low) / width))


def _steps(low: float, high: float) -> list[float]:
    """Round numbers between the two."""
    width = high - low
    if not (0 < width < math.inf):
        return [low]
    rough = width / _TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next((power * each for each in (1, 2, 2.5, 5, 10) if power * each >= rough), rough)
    first = math.ceil(low / step) * step
    found = [first + place * step for place in range(_TICKS + 2) if first + place * step <= high]
    return [0.0 if abs(each) < step / 1e6 else each for each in found]


def _label(value: float) -> str:
    text = number(float(f"{value:.4g}"))
    return text if len(text) <= _LABEL else f"{value:.1e}"


def _short(value: float) -> float:
    return round(value, 1)
