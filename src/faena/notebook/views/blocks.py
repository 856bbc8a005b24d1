"""What views are made of. Both forms, still and live, are drawn from these values.

Texts are as people wrote them: whoever draws one escapes it.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from faena.runs.phase_timeline import PhaseTimeline

Tone = Literal["", "good", "bad", "wait", "go", "soft"]


class Fact(Struct, frozen=True):
    name: str
    """Empty: the text says it all."""
    text: str


class Block(Struct, frozen=True, tag_field="kind"):
    id: str
    """Of this block in its view: a block of the same id takes its place."""


class Heading(Block, frozen=True, tag="heading"):
    title: str
    status: str
    tone: Tone
    facts: tuple[Fact, ...] = ()
    elapsed: float | None = None
    """Seconds that it took, or has taken until now."""
    goes_on: bool = False
    page: str = ""
    """The address of its page on the server; empty: none can be had."""
    stops: str = ""
    """What can be done about it, such as `Cancel run`; empty: nothing any more."""
    stop_page: str = ""
    """Where the server asks whether that is meant, and does it."""
    trouble: str = ""
    """Why what is shown may be old; empty: it is not."""


class Notice(Block, frozen=True, tag="notice"):
    text: str
    tone: Tone = "wait"
    lines: tuple[str, ...] = ()
    """Of a log, below it."""


class Timeline(Block, frozen=True, tag="timeline"):
    drawn: PhaseTimeline


class LogTail(Block, frozen=True, tag="log"):
    name: str
    text: str
    start: int = 0
    """Characters of the log before the text."""


class Line(Struct, frozen=True):
    x: list[float]
    y: list[float | None]
    """None: a gap."""
    name: str = ""
    tone: Tone = ""
    dots: bool = False
    """Points that no line joins."""


class Chart(Struct, frozen=True):
    title: str
    axis: str
    lines: tuple[Line, ...]
    last: str = ""
    """The newest value, in words."""


class Charts(Block, frozen=True, tag="charts"):
    title: str
    charts: tuple[Chart, ...]
    more: str = ""
    """What is not drawn, in words."""
    folded: bool = False
    """Shown when somebody asks."""
    wide: bool = False


class Facts(Block, frozen=True, tag="facts"):
    title: str
    facts: tuple[Fact, ...]


class Cell(Struct, frozen=True):
    text: str
    tone: Tone = ""


class Column(Struct, frozen=True):
    name: str
    is_number: bool = False


class Table(Block, frozen=True, tag="table"):
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    more: str = ""


class Axis(Struct, frozen=True):
    """`low` and `high`: what stands at its ends. `places`: of each thread, from 0 (low) to 1; None: not set."""

    name: str
    low: str
    high: str
    places: tuple[float | None, ...]


class Parallel(Block, frozen=True, tag="parallel"):
    """Parallel coordinates: a thread through the axes for each trial; `ranks`: from 0, the best, to 1."""

    title: str
    axes: tuple[Axis, ...]
    ranks: tuple[float, ...]
    names: tuple[str, ...]
    more: str = ""


AnyBlock = Heading | Notice | Timeline | LogTail | Charts | Facts | Table | Parallel


class View(Struct, frozen=True):
    line: str
    """All of it in one line, for terminals."""
    blocks: tuple[AnyBlock, ...]
    ended: bool = False
