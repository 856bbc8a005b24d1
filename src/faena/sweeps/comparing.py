"""Which of two values is better, and how they are shown. No I/O."""

from __future__ import annotations

import math
import sys

from faena.sweeps.schemas import Goal

_TOLERANCE = 1e-9
_ROUNDING = 1e-15
"""What a difference of two numbers may be off, as a ratio of the first."""
_MOST = sys.float_info.max


def finite(value: float | None) -> float | None:
    """None for what is no number to compare with: NaN and infinite ones."""
    return value if value is not None and math.isfinite(value) else None


def is_better(goal: Goal, value: float, other: float | None) -> bool:
    """Any finite value is better than none."""
    return other is None or (value > other if goal == "maximize" else value < other)


def is_worse(goal: Goal, value: float | None, limit: float, reference: float) -> bool:
    """Strictly, and by more than rounding explains: 0.8 - 0.2 is 0.6000000000000001. No value is the worst."""
    if value is None:
        return True
    if math.isclose(value, limit, rel_tol=_TOLERANCE, abs_tol=_ROUNDING * abs(reference)):
        return False
    return is_better(goal, limit, value)


def key_of(goal: Goal, score: float | None) -> float:
    if score is None:
        return math.inf
    return (-score if goal == "maximize" else score) + 0.0  # never -0.0


def from_key(goal: Goal, key: float) -> float | None:
    if math.isinf(key):
        return None
    return (-key if goal == "maximize" else key) + 0.0


def mean_with(mean: float | None, value: float, count: int) -> float:
    """The mean of `count` finite values, given that of all but the last: finite, too."""
    if mean is None:
        return value
    step = (value - mean) / count
    if math.isinf(step):  # the difference of two huge numbers
        step = value / count - mean / count
    return max(-_MOST, min(_MOST, mean + step))


def shown(number: float, beside: float | None = None) -> str:
    """Six digits, or all of them where those do not tell it from a number beside it."""
    text = f"{number:.6g}"
    if beside is not None and number != beside and text == f"{beside:.6g}":
        return repr(number)
    return text
