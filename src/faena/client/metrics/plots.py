"""Metrics of runs as charts, in Plotly and in the terminal. What is fetched depends on the width, not on the points."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import redirect_stdout
from io import StringIO
from itertools import pairwise
from typing import Any, NamedTuple, Protocol

from faena.kernel.errors import NotFound, UserErrorException
from faena.runs.list_schemas import Curve

AXES = ("step", "time", "index")
_UNITS = {"step": "step", "time": "seconds", "index": "index"}


class Drawable(Protocol):
    """A run as a chart needs it."""

    experiment: Any

    @property
    def id(self) -> str: ...

    @property
    def display_name(self) -> str | None: ...

    def get_metric_names(self) -> list[str]: ...


class Labelled(NamedTuple):
    label: str
    """The run's display name, with its id where another run has the same; or its id alone."""
    curve: Curve


Drawn = dict[str, list[Labelled]]
"""By metric, a curve for each run that has it."""


def curves(runs: Sequence[Drawable], names: Sequence[str], axis: str, pixels: int) -> Drawn:
    """Of all metrics with numbers when no name is given.

    Raises UserErrorException for an axis that there is not, NotFound for a metric that no run has.
    """
    if axis not in AXES:
        raise UserErrorException(f"axis is {axis!r}. Use one of {', '.join(AXES)}.")
    wanted = list(names) or list(dict.fromkeys(name for run in runs for name in run.get_metric_names()))
    found: Drawn = {name: [] for name in wanted}
    labels = _labels(runs)
    for name in wanted:
        for run, label in zip(runs, labels, strict=True):
            try:
                curve = run.experiment.workspace.api.curve(run.id, name, axis, pixels)
            except NotFound:
                continue
            if curve.x:
                found[name].append(Labelled(label, curve))
    if names and (empty := [name for name in names if not found[name]]):
        raise NotFound(
            f"None of these runs has numbers of {empty[0][:200]!r}. `faena metrics RUN` shows what there is."
        )
    return {name: drawn for name, drawn in found.items() if drawn}


def _labels(runs: Sequence[Drawable]) -> list[str]:
    names = [run.display_name or run.id for run in runs]
    return [
        f"{name} ({run.id})" if names.count(name) > 1 and name != run.id else name
        for run, name in zip(runs, names, strict=True)
    ]


def figure(drawn: Drawn) -> Any:
    """A Plotly figure: a row for each metric, a line for each run.

    Raises UserErrorException where Plotly is missing.
    """
    check_plotly("; `faena plot` needs nothing")
    from plotly.subplots import make_subplots

    made = make_subplots(rows=max(1, len(drawn)), cols=1, subplot_titles=[as_text(name) for name in drawn])
    colours: dict[str, int] = {}
    for row, each in enumerate(drawn.values(), 1):
        for label, curve in each:
            first = label not in colours
            place = colours.setdefault(label, len(colours))
            made.add_scatter(
                x=curve.x,
                y=curve.y,
                mode="lines" if len(curve.x) > 1 else "markers",
                name=as_text(label),
                legendgroup=label,
                showlegend=first,
                line={"color": _COLOURS[place % len(_COLOURS)], "width": 1.5},
                row=row,
                col=1,
            )
            made.update_xaxes(title_text=_UNITS[curve.axis], row=row, col=1)
    made.update_layout(height=max(320, 280 * len(drawn)), template="plotly_white")
    return made


def check_plotly(otherwise: str = "") -> None:
    """Raises UserErrorException where it is missing; `otherwise`: what does without."""
    try:
        import plotly  # noqa: F401  whether it is there
    except ImportError:
        raise UserErrorException(
            f"A figure needs Plotly, which is not installed. `pip install 'faena[charts]'`{otherwise}."
        ) from None


def drawing(drawn: Drawn, width: int, height: int, *, coloured: bool, plain: bool = False) -> str:
    """Charts for a terminal, `width` columns and `height` lines each; several runs have a colour, or a number, each.

    `plain`: drawn in ASCII, for a terminal that has no other letters.
    """
    import plotext

    plotext.add_theme(_THEME, sequence=_OF_TERMINAL)
    made: list[str] = []
    for name, each in drawn.items():
        canvas = plotext.figure
        canvas.clear()
        canvas.plot_size(width, height)
        canvas.theme(_THEME if coloured else "colorless")
        canvas.title(printable(name)[:width])
        canvas.label(_UNITS[each[0].curve.axis], "x")
        legend: list[str] = []
        for number, (label, curve) in enumerate(each, 1):
            values = [None if y is None or abs(y) > _GREATEST else y for y in curve.y]
            known = [(x, y) for x, y in zip(curve.x, values, strict=True) if y is not None]
            if known:
                alone = "*" if plain else "braille"
                marker = alone if coloured or len(each) == 1 else str(number % 10)
                signal = canvas.signal(*map(list, zip(*known, strict=True)), marker=marker)
                signal.lines()
                for place in _after_gaps(values):
                    signal.line(place, False)
                canvas.draw(signal)
                sign = _sign(len(legend), plain) if coloured else str(number % 10)
                legend.append(f"{sign}  {printable(label)}")
        places = _round([x for _, curve in each for x in curve.x], max(2, width // 12))
        canvas.ruler(0, 0).ticks(places, [f"{place:,.10g}" for place in places])
        with redirect_stdout(StringIO()):  # it tells of values that are too close to one another
            text = canvas.build().string()
        text = (text if coloured else plotext.uncolorize(text)).rstrip()
        made.append(text.translate(_PLAIN_LINES) if plain else text)
        if len(each) > 1:  # below: a box within the frame would hide what is behind it
            made.append("\n".join(legend))
    return "\n\n".join(made)


def _sign(number: int, plain: bool) -> str:
    return f"\x1b[38;5;{_OF_TERMINAL[number % len(_OF_TERMINAL)]}m{'--' if plain else '━━'}\x1b[0m"


def _round(values: Sequence[float], wanted: int) -> list[float]:
    """Round numbers among the values, about as many as wanted; whole ones where all values are."""
    low, high = min(values), max(values)
    rough = (high - low) / wanted
    if not (rough > 0 and math.isfinite(rough)):
        return [low]
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)
    if all(value.is_integer() for value in values):
        step = max(1.0, step)
    first = math.ceil(low / step - 1e-9)
    return [place * step for place in range(first, math.floor(high / step + 1e-9) + 1)]


def _after_gaps(values: Sequence[float | None]) -> list[int]:
    """Places, among the values that are known, of those which no line leads to."""
    places, known = [], 0
    for before, value in pairwise((None, *values)):
        if value is not None:
            if before is None and known:
                places.append(known)
            known += 1
    return places


_GREATEST = 4e307
"""What is beyond is left out of a terminal's chart as infinite values are: differences would be infinite."""
_PLAIN_LINES = {
    ord(line): plain for lines, plain in (("─", "-"), ("│", "|"), ("┌┐└┘├┤┬┴┼", "+")) for line in lines
}
_THEME = "faena"
"""Without a background: a terminal is light or dark."""
_OF_TERMINAL = (12, 10, 9, 14, 13, 11, 4, 2, 1, 6, 5, 3, 7, 8, 15, 0)
"""Its colours, those first that are seen on light and dark: Plotext takes them one after the other."""
_COLOURS = ("#1f6feb", "#d1242f", "#1a7f37", "#9a6700", "#8250df", "#0a7ea4", "#bf3989", "#57606a")


def as_text(text: str) -> str:
    """Text that Plotly does not take for HTML."""
    return printable(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def printable(text: str) -> str:
    """Without what a terminal or a browser would obey."""
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text)
