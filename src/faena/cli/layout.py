"""How tables and facts look: on a terminal as wide as it is, elsewhere plain text, a line a row. No I/O but `print`.

What is to be copied (ids, paths, names) is whole at any width: it is never broken, and where the columns do not fit a
terminal each row stands below its first cell, or below itself.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TextIO

import rich_click as click

_GAP = "  "
_COMMAND = re.compile(r"`[^`\n]+`")
_LINE = re.compile(r"[^\n\t]+")
_NARROWEST = 20
"""Columns that prose needs to be wrapped in a table."""


@dataclass(frozen=True, slots=True)
class Column:
    title: str
    right: bool = False
    """Numbers end below each other."""
    prose: bool = False
    """May be broken between words."""


@dataclass(frozen=True, slots=True)
class Cell:
    text: str
    colour: str = ""


Row = Sequence[str | Cell]


def terminal_width() -> int | None:
    """Columns of the terminal; None where standard output is none."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def coloured(stream: TextIO | None = None) -> bool:
    """Whether a stream, standard output unless told, is a terminal that colours are wanted on."""
    is_terminal = (stream or sys.stdout).isatty()
    return is_terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def styled(text: str, colour: str = "", **style: bool) -> str:
    return click.style(text, fg=colour or None, **style) if coloured() and (colour or style) else text


def print_table(columns: Sequence[str | Column], rows: Iterable[Row], *, empty: str = "") -> None:
    """The rows below their titles, or `empty` where there are none."""
    lines = table_lines(columns, rows, terminal_width())
    if not lines and empty:
        click.echo(empty)
    for line in lines:
        click.echo(line)


def table_lines(columns: Sequence[str | Column], rows: Iterable[Row], width: int | None) -> list[str]:
    """The rows below their titles; none where there are no rows."""
    named = [Column(each) if isinstance(each, str) else each for each in columns]
    named = [replace(each, title=harmless(each.title)) for each in named]
    cells = [[_cell(value) for value in row] for row in rows]
    return list(_lines(named, cells, width)) if cells else []


def fits(columns: Sequence[str | Column], rows: Sequence[Row]) -> bool:
    """Whether each row is a line of the terminal; always where there is none."""
    width = terminal_width()
    texts = [
        [column if isinstance(column, str) else column.title, *(_cell(row[place]).text for row in rows)]
        for place, column in enumerate(columns)
    ]
    return width is None or table_width(texts) <= width


def shortened(text: str, most: int) -> str:
    """The beginning of what is longer than `most` characters, and how much of it that is."""
    return text if len(text) <= most else f"{text[:most]}… ({len(text):,} characters; --json shows all)"


def print_facts(facts: Mapping[str, str]) -> None:
    """Those that are not empty, each behind its name."""
    shown = {harmless(name): harmless(value) for name, value in facts.items() if value}
    indent = max(map(len, shown), default=0) + len(_GAP)
    for name, value in shown.items():
        first, *rest = wrapped(value, indent)
        click.echo(styled(f"{name:<{indent}}", dim=True) + first)
        for line in rest:
            click.echo(" " * indent + line)


def print_prose(text: str, colour: str = "") -> None:
    """A sentence or more, broken between words where the terminal ends."""
    for line in text.split("\n"):
        for part in wrapped(harmless(line), 0):
            click.echo(styled(part, colour))


def print_as_is(text: str) -> None:
    """All of it to a pipe; on a terminal without what that would obey, but for lines and tabs."""
    click.echo(text if terminal_width() is None else _LINE.sub(lambda found: harmless(found[0]), text))


def print_error(text: str) -> None:
    """One line on standard error; on a terminal broken between words, with commands in one piece to be copied."""
    text = "\n".join(map(harmless, text.split("\n")))
    try:
        width = os.get_terminal_size(sys.stderr.fileno()).columns
    except (OSError, ValueError):  # no terminal
        click.echo(text, err=True)
        return
    held = _COMMAND.sub(lambda found: found[0].replace(" ", "\0"), text)
    for line in held.split("\n"):
        for part in _broken(line, max(_NARROWEST, width)):
            click.echo(part.replace("\0", " "), err=True)


def show_time(at: int) -> str:
    return datetime.fromtimestamp(at / 1e6).astimezone().strftime("%m-%d %H:%M:%S")


def width_of(text: str) -> int:
    """Columns of a terminal: letters of the far East take two, marks that stand on others none."""
    if text.isascii():
        return len(text)
    import unicodedata  # few texts need it, and it takes long to load

    return sum(0 if unicodedata.combining(c) else 1 + (unicodedata.east_asian_width(c) in "WF") for c in text)


def table_width(columns: Sequence[Sequence[str]]) -> int:
    """Of columns, each its title and its cells."""
    widths = [max(map(width_of, column)) for column in columns]
    return sum(widths) + len(_GAP) * (len(widths) - 1)


def _cell(value: str | Cell) -> Cell:
    cell = value if isinstance(value, Cell) else Cell(value)
    return Cell(harmless(cell.text), cell.colour)


def harmless(text: str) -> str:
    """Without what a terminal would obey, in one line."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else " " if c.isspace() else "\ufffd" for c in text)


def _lines(columns: list[Column], rows: list[list[Cell]], width: int | None) -> Iterable[str]:
    titled = [[Cell(column.title) for column in columns], *rows]
    widths = [max(width_of(row[place].text) for row in titled) for place in range(len(columns))]
    if width is not None and (excess := sum(widths) + len(_GAP) * (len(widths) - 1) - width) > 0:
        for place in sorted(range(len(columns)), key=lambda place: -widths[place]):
            if columns[place].prose and excess > 0:
                spared = max(0, min(excess, widths[place] - _NARROWEST))
                widths[place] -= spared
                excess -= spared
        if excess > 0:
            held = [place for place in range(1, len(columns)) if not columns[place].prose]
            if sum(widths[place] for place in held) + len(_GAP) * len(held) <= width:
                yield from _headed(columns, titled, widths, held, width)
                return
        if excess > 0:
            yield from _stacked(columns, rows, width)
            return
    for number, row in enumerate(titled):
        yield from _row(columns, row, widths, is_title=number == 0)


def _row(columns: list[Column], row: list[Cell], widths: list[int], *, is_title: bool) -> Iterable[str]:
    """One line, or more where prose is wrapped."""
    parts = [_broken(cell.text, width) for cell, width in zip(row, widths, strict=True)]
    for number in range(max(map(len, parts))):
        line = ""
        for place, (column, cell) in enumerate(zip(columns, row, strict=True)):
            text = parts[place][number] if number < len(parts[place]) else ""
            room = " " * (widths[place] - width_of(text))
            shown = styled(text, dim=True) if is_title else styled(text, cell.colour)
            last = place == len(columns) - 1
            line += room + shown if column.right else shown + ("" if last else room)
            line += "" if last else _GAP
        yield line.rstrip()


def _headed(
    columns: list[Column], titled: list[list[Cell]], widths: list[int], held: list[int], width: int
) -> Iterable[str]:
    """The first cell of a row in a line of its own; below it those that are `held` in columns, and prose by itself."""
    prose = [place for place in range(1, len(columns)) if place not in held]
    held_columns, held_widths = [columns[place] for place in held], [widths[place] for place in held]
    for number, row in enumerate(titled):
        first = row[0]
        yield styled(first.text, dim=True) if number == 0 else styled(first.text, first.colour, bold=True)
        for line in _row(held_columns, [row[place] for place in held], held_widths, is_title=number == 0):
            yield f"{_GAP}{line}" if line else line
        for place in prose if number else ():
            title = columns[place].title
            indent = len(_GAP) * 2 + width_of(title)
            parts = _broken(row[place].text, max(_NARROWEST, width - indent)) if row[place].text else []
            for part in parts:
                yield f"{_GAP}{styled(title, dim=True)}{_GAP}{part}"
                title = " " * width_of(title)


def _stacked(columns: list[Column], rows: list[list[Cell]], width: int) -> Iterable[str]:
    """A row below itself: its first cell, then the others with their titles, as many in a line as fit."""
    for row in rows:
        yield styled(row[0].text, row[0].colour, bold=True)
        line, length = "", 0
        for column, cell in list(zip(columns, row, strict=True))[1:]:
            if not cell.text:
                continue
            taken = width_of(column.title) + 1 + width_of(cell.text)
            if line and length + len(_GAP) + taken > width:
                yield line
                line = ""
            start = _GAP if not line else line + _GAP
            length = (length if line else 0) + len(_GAP) + taken
            line = f"{start}{styled(column.title, dim=True)} {styled(cell.text, cell.colour)}"
        if line:
            yield line


def wrapped(text: str, indent: int) -> list[str]:
    """Lines for a place that begins at a column; one line where there is no terminal."""
    width = terminal_width()
    return [text] if width is None else _broken(text, max(_NARROWEST, width - indent))


def _broken(text: str, width: int) -> list[str]:
    """Between words; what is longer than a line stays whole."""
    if width_of(text) <= width:
        return [text]
    return textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False) or [""]
