"""What the values of an imported record may be: what a workspace can keep and show. Each is named by its field."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import msgspec

from faena.kernel.errors import UserErrorException
from faena.portable.model import RunRecord

LAST_TIME = 253_402_300_799_999_999
"""Microseconds: the end of the year 9999."""
_LONGEST = 1 << 24
"""Characters of a text."""
_SMALL = {"number", "exit_code", "signal", "node_count", "attempt", "rank", "children"}
_COUNTS = {"size", "count"}
_LARGE_INT, _SMALL_INT = 2**63, 2**31


def check_bounds(record: RunRecord) -> None:
    """Raises UserErrorException naming the first field whose value is beyond what can be kept."""
    for path, name, value in _leaves(msgspec.to_builtins(record)):
        if (allowed := _refusal(name, value)) is not None:
            raise UserErrorException(f"its {path} is {str(value)[:60]}{_more(value)}: {allowed}.")


def _refusal(name: str, value: Any) -> str | None:
    """What the value had to be; None where it is."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, str):
        return f"use at most {_LONGEST:,} characters" if len(value) > _LONGEST else None
    if isinstance(value, float):
        return None if math.isfinite(value) else "use a finite number"
    if name.endswith("_at"):
        within = 0 <= value <= LAST_TIME
        return None if within else "use microseconds since 1970, up to the year 9999"
    if name in _SMALL:
        return None if -_SMALL_INT <= value < _SMALL_INT else "use a whole number within 32 bits"
    if name in _COUNTS and value < 0:
        return "use no number below 0"
    return None if -_LARGE_INT <= value < _LARGE_INT else "use a whole number within 64 bits"


def _leaves(value: Any) -> Iterator[tuple[str, str, Any]]:
    """(path such as `phases[0].started_at`, name of the field, value); however deep they lie, without recursion."""
    left: list[tuple[str, str, Any]] = [("", "", value)]
    while left:
        path, name, found = left.pop()
        if isinstance(found, dict):
            left += [(f"{path}.{key}"[:300].lstrip("."), str(key), each) for key, each in found.items()]
        elif isinstance(found, list | tuple):
            left += [(f"{path}[{place}]", name, each) for place, each in enumerate(found)]
        else:
            yield path, name, found


def _more(value: Any) -> str:
    return "…" if len(str(value)) > 60 else ""
