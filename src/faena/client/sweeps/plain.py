"""What people write into a search space, as JSON has it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_DEEPEST = 100
"""Beyond what a space may have, which is refused where it is read."""


def plain(given: Any, depth: int = _DEEPEST) -> Any:
    """numpy's numbers and arrays, ranges, tuples and other mappings as numbers, lists and dicts; else as it is."""
    if depth == 0:
        return given
    if hasattr(given, "tolist"):
        given = given.tolist()
    if isinstance(given, Mapping):
        return {
            str(name) if isinstance(name, str) else name: plain(each, depth - 1)
            for name, each in given.items()
        }
    if isinstance(given, (list, tuple, range)):
        return [plain(each, depth - 1) for each in given]
    if isinstance(given, str):
        return str.__str__(given)  # an enum's member has a text of its own
    if isinstance(given, bool):
        return given
    return next((kind(given) for kind in (int, float) if isinstance(given, kind)), given)
