"""How a table is read and what is done then, of a definition that any client sent. No I/O."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

_MOST_STEPS = 50
_MOST_COLUMNS = 200
_LONGEST = 200


class Table(Struct, frozen=True):
    """How a tabular dataset's files are read, and what is done then."""

    kind: str
    options: list[tuple[str, str]]
    columns: list[tuple[str, str]]
    more_columns: int
    steps: list[tuple[str, str]]
    more_steps: int


def table(given: dict[str, Any]) -> Table:
    """Of a definition that any client sent: what is not as it should be is shown as it is."""
    columns, steps = _pairs(given.get("columns")), _pairs(given.get("steps"))
    options = given.get("options")
    listed = options.items() if isinstance(options, dict) else ()
    return Table(
        kind=_words(given.get("kind", "")),
        options=[
            (str(name)[:_LONGEST], short(msgspec.json.encode(value).decode()))
            for name, value in listed
            if value is not None
        ][:50],
        columns=[(name, _type(of)) for name, of in columns[:_MOST_COLUMNS]],
        more_columns=max(0, len(columns) - _MOST_COLUMNS),
        steps=[(verb, _arguments(arguments)) for verb, arguments in steps[:_MOST_STEPS]],
        more_steps=max(0, len(steps) - _MOST_STEPS),
    )


def _pairs(given: Any) -> list[tuple[str, Any]]:
    if not isinstance(given, list):
        return []
    return [(_words(each[0]), each[1]) for each in given if isinstance(each, list) and len(each) == 2]


def _type(of: Any) -> str:
    return _words(of.get("type", "")) if isinstance(of, dict) else _words(of)


def _arguments(given: Any) -> str:
    if not isinstance(given, dict):
        return _words(given)
    return short(", ".join(f"{name}: {_words(value)}" for name, value in given.items()))


def _words(value: Any) -> str:
    return short(value if isinstance(value, str) else msgspec.json.encode(value).decode())


def short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
