"""What a script was told, by name: the arguments that have one. No I/O."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

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


def changed(arguments: Sequence[str], settings: Mapping[str, str | None]) -> list[str]:
    """The arguments with other values; a name that is not among them is added at their end.

    `settings`: values by name, with or without dashes before it; None: a flag, which stays as it is where it is there,
    since what follows it may be no value of its own. A name that is there keeps the form in which it stands there,
    `--name value` or `--name=value`; of several of one name all change.
    """
    found = list(arguments)
    for given, value in settings.items():
        name = given.lstrip("-")
        places = [place for place, argument in enumerate(found) if _named(argument) == name]
        for place in reversed(places):
            if value is None and "=" not in found[place]:
                continue
            found[place : _end(found, place)] = _spelled(
                found[place].partition("=")[0], value, "=" in found[place]
            )
        if not places:
            dashed = given if given.startswith("-") else f"--{given}"
            end = found.index("--") if "--" in found else len(found)
            found[end:end] = _spelled(dashed, value, joined=False)
    return found


def _named(argument: str) -> str | None:
    return argument.lstrip("-").partition("=")[0] if is_name(argument) else None


def _end(arguments: Sequence[str], place: int) -> int:
    """Where what belongs to the name at `place` ends."""
    following = arguments[place + 1 : place + 2]
    has_value = "=" not in arguments[place] and following and not is_name(following[0])
    return place + (2 if has_value else 1)


def _spelled(name: str, value: str | None, joined: bool) -> list[str]:
    if value is None:
        return [name]
    # a value that looks like a name would be taken for one
    return [f"{name}={value}"] if joined or is_name(value) else [name, value]
