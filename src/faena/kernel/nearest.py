"""The names that somebody may have meant who gave another one. No I/O."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

_CANDIDATES = 500
_COMPARED = 20
"""Those that have the most letters in common are compared place by place, which costs the square of their length."""
_LONGEST = 64
"""Characters of a name that are looked at."""
_PART = 3
_ALIKE = 0.6


def nearest(name: str, there: Iterable[str], most: int = 3) -> list[str]:
    """Of the first few hundred names `there`: those that differ by case, begin or end alike, or by a few letters."""
    from difflib import SequenceMatcher

    wanted = name[:_LONGEST].casefold()
    matcher = SequenceMatcher(autojunk=False)
    matcher.set_seq2(wanted)
    sure: list[tuple[float, str]] = []
    possible: list[tuple[float, str]] = []
    for each in islice(there, _CANDIDATES):
        other = each[:_LONGEST].casefold()
        if other == wanted:
            sure.append((-2.0, each))
        elif min(len(other), len(wanted)) >= _PART and (other in wanted or wanted in other):
            sure.append((-1.0, each))
        else:
            matcher.set_seq1(other)
            if (letters := matcher.quick_ratio()) >= _ALIKE:
                possible.append((-letters, each))
    for _, each in sorted(possible)[:_COMPARED]:
        matcher.set_seq1(each[:_LONGEST].casefold())
        if (alike := matcher.ratio()) >= _ALIKE:
            sure.append((-alike, each))
    return [each for _, each in sorted(sure)[:most]]
