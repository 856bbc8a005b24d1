"""Charts as SVG, drawn by hand: no scripts, colours by the page's style."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, isfinite

from faena.notebook.still.escaping import svg as escaped
from faena.notebook.views.blocks import Chart, Line, Parallel
from faena.notebook.views.words import cut, number
from faena.runs.phase_timeline import PhaseTimeline

WIDTH, HEIGHT = 300, 120
WIDE = 620
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 4, 6, 16
_DOT = 2.2
_TINY = 1e-290


def chart(found: Chart, *, wide: bool = False) -> str:
    width = WIDE if wide else WIDTH
    spoken = escaped(f"{found.title}: {found.last}" if found.last else found.title)
    opened = f'<svg width="{width}" height="{HEIGHT}" viewBox="0 0 {width} {HEIGHT}" role="img" aria-label="{spoken}">'
    frame = _Frame.around(found.lines, width)
    if frame is None:
        middle = f'x="{width / 2:.0f}" y="{HEIGHT / 2:.0f}" text-anchor="middle"'
        return f"{opened}<text {middle}>no finite value</text></svg>"
    parts = [opened, frame.labels(found.axis)]
    parts += [frame.line(each) for each in found.lines]
    return "".join([*parts, "</svg>"])


class _Frame:
    """From values to places."""

    def __init__(self, first: float, end: float, low: float, high: float, width: int) -> None:
        tall = HEIGHT - _TOP - _BOTTOM
        if not isfinite(_scale(tall, low, high)):
            around = abs(low) / 10 if abs(low) > _TINY else 1.0
            low, high = low - around, high + around
        self._first, self._end, self._low, self._high, self._width = first, end, low, high, width
        self._down = _scale(tall, low, high)
        across = _scale(width - _LEFT - _RIGHT, first, end)
        self._across = across if isfinite(across) else 0.0

    @classmethod
    def around(cls, lines: Sequence[Line], width: int) -> _Frame | None:
        """None where nothing can be drawn."""
        xs = [x for line in lines for x in (line.x[:1] + line.x[-1:])]
        ys = [y for line in lines for y in line.y if y is not None and isfinite(y)]
        return cls(min(xs), max(xs), min(ys), max(ys), width) if ys else None

    def labels(self, axis: str) -> str:
        bottom, right = HEIGHT - _BOTTOM, self._width - _RIGHT
        lines = "".join(
            f'<line class="fv-grid" x1="{_LEFT}" x2="{right}" y1="{y}" y2="{y}"/>' for y in (_TOP, bottom)
        )
        ends = [
            (_LEFT - 5, _TOP + 4, "end", number(self._high, 4)),
            (_LEFT - 5, bottom + 3, "end", number(self._low, 4)),
            (_LEFT, HEIGHT - 4, "start", number(self._first)),
            (right, HEIGHT - 4, "end", f"{axis} {number(self._end)}"),
        ]
        texts = "".join(
            f'<text x="{x}" y="{y}" text-anchor="{anchor}">{escaped(text)}</text>'
            for x, y, anchor, text in ends
        )
        return lines + texts

    def line(self, line: Line) -> str:
        first, low, across, down = self._first / 2, self._low / 2, self._across, self._down
        bottom = HEIGHT - _BOTTOM
        places = [
            None
            if y is None or not isfinite(y)
            else (_LEFT + (x / 2 - first) * across, bottom - (y / 2 - low) * down)
            for x, y in zip(line.x, line.y, strict=False)
        ]
        if line.dots:
            drawn = (place for place in places if place is not None)
            return "".join(
                f'<circle class="fv-dot fv-{line.tone}" cx="{x:.1f}" cy="{y:.1f}" r="{_DOT}"/>'
                for x, y in drawn
            )
        path, pen = [], "M"
        for place in places:
            if place is None:
                pen = "M"
                continue
            path.append("%s%.1f %.1f" % (pen, *place))  # noqa: UP031  a third faster, for each of many points
            pen = "L"
        if len(path) == 1:
            x, y = next(place for place in places if place is not None)
            return f'<circle class="fv-dot fv-{line.tone}" cx="{x:.1f}" cy="{y:.1f}" r="{_DOT}"/>'
        return f'<path class="fv-line fv-{line.tone}" d="{"".join(path)}"/>'


def _scale(length: float, low: float, high: float) -> float:
    """Pixels for two; infinite where both are the same, or all but. Their difference may be more than a number holds,
    so that halves of numbers are counted with.
    """
    span = high / 2 - low / 2
    return length / span if span else inf


def timeline(found: PhaseTimeline) -> str:
    """Bars of phases, those of an attempt side by side; places across are shares of whatever width there is."""
    parts = [f"<title>{escaped(found.said)}</title>"]
    for tick in found.ticks:
        dx, anchor = ("-3", ' text-anchor="end"') if tick.x > _LATE else ("3", "")
        parts.append(
            f'<line class="fv-grid" x1="{tick.x}%" x2="{tick.x}%" y1="0" y2="{found.height - 15}"/>'
            f'<text x="{tick.x}%" dx="{dx}" y="{found.height - 4}"{anchor}>{escaped(tick.text)}</text>'
        )
    for lane in found.lanes:
        if lane.label:
            parts.append(f'<text class="fv-name" y="{lane.y - 4}">{escaped(lane.label)}</text>')
        parts += [
            f'<rect class="fv-{escaped(bar.name)}" x="{bar.x}%" width="{bar.width}%" y="{lane.y}" '
            f'height="{found.bar}"><title>{escaped(bar.text)}</title></rect>'
            for bar in lane.bars
        ]
    return f'<svg class="fv-bars" width="100%" height="{found.height}" role="img">{"".join(parts)}</svg>'


_LATE = 92
"""Percent of the width: from there on what a tick says stands before it."""
_AXIS_TALL = 170
_AXIS_TOP = 30


def parallel(found: Parallel) -> str:
    """A thread for each trial, the best last, over the others."""
    apart = max(90, min(160, 900 // max(1, len(found.axes))))
    width = apart * len(found.axes) + 40
    height = _AXIS_TOP + _AXIS_TALL + 24
    parts = [
        f'<svg width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="{escaped(found.title)}">'
    ]
    for thread in sorted(range(len(found.ranks)), key=lambda each: -found.ranks[each]):
        path, pen = "", "M"
        for at, axis in enumerate(found.axes):
            place = axis.places[thread]
            if place is None:
                pen = "M"
                continue
            path += f"{pen}{apart * at + apart / 2:.0f} {_AXIS_TOP + _AXIS_TALL * (1 - place):.1f}"
            pen = "L"
        rank = found.ranks[thread]
        tone = "fv-best" if rank == 0 else "fv-thread"
        parts.append(
            f'<path class="{tone}" d="{path}" opacity="{1 if rank == 0 else 0.75 - 0.6 * rank:.2f}">'
            f"<title>{escaped(found.names[thread])}</title></path>"
        )
    for at, axis in enumerate(found.axes):
        x, bottom = apart * at + apart / 2, _AXIS_TOP + _AXIS_TALL
        parts.append(f'<line class="fv-axis" x1="{x:.0f}" x2="{x:.0f}" y1="{_AXIS_TOP}" y2="{bottom}"/>')
        texts = ((12, axis.name, "fv-name"), (_AXIS_TOP - 5, axis.high, ""), (bottom + 14, axis.low, ""))
        parts += [
            f'<text class="{look}" x="{x:.0f}" y="{y}" text-anchor="middle">{escaped(cut(text, 18))}</text>'
            for y, text, look in texts
        ]
    return "".join([*parts, "</svg>"])
