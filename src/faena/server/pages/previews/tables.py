"""Columns and rows as a page shows them: the first of each. No I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from faena.server.pages.previews import plots
from faena.server.pages.words import number

MOST_ROWS, MOST_COLUMNS = 100, 40
LONGEST = 200
"""Characters of a cell."""


class Cell(Struct, frozen=True):
    text: str
    is_number: bool = False


class Table(Struct, frozen=True):
    columns: tuple[str, ...]
    rows: list[list[Cell]]
    all_rows: int | None
    """None where it is not known."""
    all_columns: int


def cell(value: object) -> Cell:
    if value is None:
        return Cell("")
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        try:
            return Cell(number(value), True)
        except OverflowError:
            return Cell(cut(str(value)), True)
    return Cell(cut(str(value)))


def cut(text: str, longest: int = LONGEST) -> str:
    return text if len(text) <= longest else f"{text[:longest]}…"


def of_columns(columns: Mapping[str, Any]) -> Table:
    """What was logged as rows or a table: a column is a list, or the one value of a single row."""
    lists = {name: each if isinstance(each, list) else [each] for name, each in columns.items()}
    height = max((len(each) for each in lists.values()), default=0)
    shown = list(lists)[:MOST_COLUMNS]
    rows = [
        [cell(lists[name][at]) if at < len(lists[name]) else Cell("") for name in shown]
        for at in range(min(height, MOST_ROWS))
    ]
    return Table(tuple(cut(name) for name in shown), rows, height, len(lists))


def of_lines(lines: Sequence[Sequence[str]], all_rows: int | None) -> Table:
    """What a CSV file says: its first line names the columns."""
    head, *rest = lines or [[]]
    width = max((len(each) for each in lines), default=0)
    shown = min(width, MOST_COLUMNS)
    names = tuple(cut(head[at]) if at < len(head) else "" for at in range(shown))
    rows = [[_of_text(line[at]) if at < len(line) else Cell("") for at in range(shown)] for line in rest]
    return Table(names, rows[:MOST_ROWS], all_rows, width)


def line_of(columns: Mapping[str, Any]) -> plots.Plot | None:
    """Two columns of numbers are a line, the second over the first."""
    if len(columns) != 2:
        return None
    (across, xs), (up, ys) = columns.items()
    if not (isinstance(xs, list) and isinstance(ys, list) and len(xs) > 1):
        return None
    points = [
        (x, y)
        for x, y in zip(plots.numbers(xs), plots.numbers(ys), strict=False)
        if x is not None and y is not None
    ]
    return (
        plots.line_plot("", cut(across, 40), cut(up, 40), [("", points)]) if len(points) == len(xs) else None
    )


def _of_text(text: str) -> Cell:
    try:
        float(text)
    except ValueError:
        return Cell(cut(text))
    return Cell(cut(text), True)
