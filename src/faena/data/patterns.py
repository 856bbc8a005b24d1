"""Paths with `*` (any characters within a name) and `**` (any number of folders). Standard library only."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase


def is_pattern(path: str) -> bool:
    return "*" in path


def fixed_part(pattern: str) -> str:
    """The folder that all matches lie in: the names before the first one with a `*`."""
    names = pattern.split("/")
    first = next((index for index, name in enumerate(names) if "*" in name), len(names))
    return "/".join(names[:first])


def matches(pattern: str, path: str) -> bool:
    """Whether the file `path` is meant. `*` alone stays within a name; a last `**` takes everything below."""
    return _match(pattern.split("/"), path.split("/"))


def _match(pattern: Sequence[str], names: Sequence[str]) -> bool:
    """By a table, so that no pattern takes more than len(pattern) * len(names) steps."""
    fits = [True] + [False] * len(names)  # fits[n]: the pattern so far can take the first n names
    for part in pattern:
        if part == "**":
            for index in range(1, len(fits)):
                fits[index] = fits[index] or fits[index - 1]
            continue
        plain = part.replace("[", "[[]").replace("?", "[?]")
        fits = [False] + [fits[index] and fnmatchcase(name, plain) for index, name in enumerate(names)]
    return fits[-1]
