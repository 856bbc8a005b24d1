"""What differs between any number of runs: a row for each thing, a value for each run. No I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from faena.comparison.model import Value


class Row(Struct, frozen=True):
    name: str
    values: tuple[Value, ...]
    """In the order of the runs; None: it is not there."""


class Table(Struct, frozen=True):
    """One aspect of the runs; `rows` are those that differ."""

    section: str
    rows: tuple[Row, ...]
    same: int
    """How many are equal in all of them."""
    note: str = ""


def table(section: str, values: Sequence[Mapping[str, Value]], note: str = "") -> Table:
    """Names as they come, those of the first run first. What no run has is none of them."""
    rows, same = [], 0
    for name in dict.fromkeys(name for each in values for name in each):
        found = tuple(each.get(name) for each in values)
        if any(value != found[0] for value in found):
            rows.append(Row(name, found))
        else:
            same += found[0] is not None
    return Table(section, tuple(rows), same, note)
