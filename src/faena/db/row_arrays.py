"""Many rows in one statement of PostgreSQL: an array for each column, in place of a message for each row."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from faena.db.packing import Kind

_PARAMETER = re.compile(r"%\((\w+)\)s(?:::[A-Z]+(?: [A-Z]+)*)?")
_INSERT = re.compile(r"(INSERT INTO \S+ \([^()]+\)) VALUES \((.+?)\)( ON CONFLICT \(([^()]+)\) DO .+)?")
_UPDATE = re.compile(r"(UPDATE \S+ SET .+) WHERE (.+)")
_LIST = re.compile(r"(?<! NOT) IN \(((?:%\(list\d+_\d+\)s(?:::[A-Z]+(?: [A-Z]+)*)?(?:, )?)+)\)")
_OTHER = re.compile(r"\b(?:SELECT|RETURNING|WHERE|FROM)\b")


class Together(Struct, frozen=True):
    """One statement for many rows."""

    text: str
    names: Sequence[str]
    """Of its parameters, each an array, in their order."""
    key: Sequence[str]
    """Those that tell the rows apart that are changed; empty: none is."""

    def columns(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]] | None:
        """None where two rows change the same: PostgreSQL would take one of them, or none."""
        if self.key and len({tuple(row[name] for name in self.key) for row in rows}) < len(rows):
            return None
        return {name: [row[name] for row in rows] for name in self.names}


class Lists(Struct, frozen=True):
    """A statement with an array in the place of each list of parameters: one text for lists of any length."""

    text: str
    parts: Mapping[str, Sequence[str]]
    """The parameters of each list, by the name of its array."""

    def gathered(self, given: Mapping[str, Any]) -> dict[str, Any]:
        values = dict(given)
        for name, parts in self.parts.items():
            values[name] = [values.pop(part) for part in parts]
        return values


def with_lists(text: str, kinds: Mapping[str, Kind]) -> Lists | None:
    """Of a statement of `faena.db.lists`; None where it has none of its lists. `kinds`: of its parameters."""
    found: dict[str, Sequence[str]] = {}

    def put(match: re.Match[str]) -> str:
        parts = _PARAMETER.findall(match[1])
        name = parts[0].partition("_")[0]
        if found.get(name, parts) != parts:
            return match[0]
        found[name] = parts
        return f" = ANY (%({name})s::{kinds[parts[0]].name}[])"

    made = _LIST.sub(put, text)
    if not found or any(
        name in made for parts in found.values() for name in (f"%({parts[0]})", f"%({parts[-1]})")
    ):
        return None
    return Lists(made, found)


def together(text: str, kinds: Mapping[str, Kind]) -> Together | None:
    """Of a statement for one row; None where it is not of that kind. `kinds`: of its parameters."""
    names = list(dict.fromkeys(_PARAMETER.findall(text)))
    if not names:
        return None
    text = " ".join(text.split())
    arrays = ", ".join(f"%({name})s::{kinds[name].name}[]" for name in names)
    if (found := _INSERT.fullmatch(text)) is not None:
        head, row, conflict, key = found.groups(default="")
        if [*_values(row)] != names or _PARAMETER.search(conflict) or _OTHER.search(conflict):
            return None
        changed = [name.strip().strip('"') for name in key.split(",")] if " DO UPDATE " in conflict else []
        if not set(changed) <= set(names):
            return None
        return Together(f"{head} SELECT * FROM unnest({arrays}){conflict}", names, changed)
    if (found := _UPDATE.fullmatch(text)) is not None and not any(map(_OTHER.search, found.groups())):
        head, where = (_PARAMETER.sub(r'given."\1"', part) for part in found.groups())
        columns = ", ".join(f'"{name}"' for name in names)
        made = f"{head} FROM unnest({arrays}) AS given ({columns}) WHERE {where}"
        return Together(made, names, _PARAMETER.findall(found[2]))
    return None


def _values(row: str) -> Iterator[str]:
    """The parameters of a row of values; an empty name for what is none."""
    for value in row.split(", "):
        found = _PARAMETER.fullmatch(value)
        yield found[1] if found else ""
