"""The names that somebody may have meant who gave another one. No I/O."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

_CANDIDATES = 500
_LONGEST = 100
"""Characters of a name that are compared: what is compared costs their square."""
_PART = 3


def nearest(name: str, there: Iterable[str], most: int = 3) -> list[str]:
    """Of the first few hundred names `there`: those that differ by case, begin or end alike, or by a few letters."""
    from difflib import SequenceMatcher

    wanted = name[:_LONGEST].casefold()
    matcher = SequenceMatcher(autojunk=False)
    matcher.set_seq2(wanted)
    found: list[tuple[float, str]] = []
    for each in islice(there, _CANDIDATES):
        other = each[:_LONGEST].casefold()
        matcher.set_seq1(other)
        if other == wanted:
            likeness = 2.0
        elif min(len(other), len(wanted)) >= _PART and (other in wanted or wanted in other):
            likeness = 1.0
        elif matcher.real_quick_ratio() >= 0.6 and matcher.quick_ratio() >= 0.6:
            likeness = matcher.ratio()
        else:
            continue
        if likeness >= 0.6:
            found.append((-likeness, each))
    return [each for _, each in sorted(found)[:most]]
