"""What a script was told, by name: the arguments that have one. No I/O."""

from __future__ import annotations

import math
from collections.abc import Sequence

LONGEST = 1000
"""Characters of a value that are kept for finding runs; the run's arguments are whole."""


def of_arguments(arguments: Sequence[str]) -> dict[str, str]:
    """`--name value`, `--name=value`, and `--flag`, which is "true". The last one of a name counts."""
    found: dict[str, str] = {}
    name = ""
    for argument in arguments:
        if is_name(argument):
            name, equals, value = argument.lstrip("-").partition("=")
            found[name] = value[:LONGEST] if equals else "true"
            name = "" if equals else name
        elif name:
            found[name] = argument[:LONGEST]
            name = ""
    return {name[:255]: value for name, value in found.items() if name}


def is_name(argument: str) -> bool:
    """Whether it begins with a dash and is no number."""
    return argument.startswith("-") and number(argument) is None


def number(text: str) -> float | None:
    """The finite number that a text is; None for another text."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
