"""Which trial is the best, and in which order the others follow: by one objective, or by several. No I/O.

Stopped and failed trials are candidates like others. A trial without a finite value never wins, nor does one that does
not fulfil the conditions on metrics, or of which it is not known whether it does.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from faena.sweeps.comparing import finite, is_better, key_of, mean_with
from faena.sweeps.schemas import Goal

Values = tuple[float | None, ...]


class Result(Struct, frozen=True):
    """What a trial came to, or several with the same parameters."""

    number: int
    values: Values
    """Of each objective, the primary one first; None: none is finite."""
    reached_at: int = 0
    """When the primary value was logged first: in any unit that grows."""
    digest: str = ""
    """Of its parameters."""
    is_allowed: bool = True
    """It fulfils the conditions on metrics."""
    is_whole: bool = True
    """All repeats of its parameters have a value."""
    numbers: tuple[int, ...] = ()
    """The trials with the same parameters, where several were averaged."""


def value_of(
    goal: Goal, which: Literal["best", "last"], logged: Iterable[tuple[float, int]]
) -> tuple[float | None, int]:
    """The value that counts of what a trial logged, each with its time, and when it was reached first."""
    best: float | None = None
    reached_at = 0
    for value, at in logged:
        if which == "last":
            best, reached_at = finite(value), at
        elif math.isfinite(value) and is_better(goal, value, best):
            best, reached_at = value, at
    return best, reached_at


def ranked(goal: Goal, results: Iterable[Result]) -> list[Result]:
    """By the primary objective, the best first; of equals who was there first, then the lower number.

    What is not allowed follows what is, what misses a repeat follows what is whole; who has no value is last.
    """

    def place(result: Result) -> tuple[bool, bool, bool, float, int, int]:
        value = finite(result.values[0])
        none = value is None
        at = 0 if none else result.reached_at
        return none, not result.is_allowed, not result.is_whole, key_of(goal, value), at, result.number

    return sorted(results, key=place)


def best(goal: Goal, results: Iterable[Result]) -> Result | None:
    """None: no trial that is allowed has a value."""
    first = next(iter(ranked(goal, results)), None)
    return first if first is not None and finite(first.values[0]) is not None and first.is_allowed else None


def averaged(results: Iterable[Result], repeats: int) -> list[Result]:
    """One result for all trials with the same parameters: the means of their values.

    A mean over fewer than `repeats` values is marked: one lucky trial whose repeats diverged must not win.
    """
    groups: dict[str, list[Result]] = {}
    for result in results:
        groups.setdefault(result.digest, []).append(result)
    return [_average(group, repeats) for group in groups.values()]


def _average(group: Sequence[Result], repeats: int) -> Result:
    first = min(group, key=lambda result: result.number)
    columns = list(zip(*(result.values for result in group), strict=True))
    return replace(
        first,
        values=tuple(map(_mean, columns)),
        reached_at=max(result.reached_at for result in group),
        is_allowed=all(result.is_allowed for result in group),
        is_whole=len(group) >= repeats and None not in map(finite, chain(*columns)),
        numbers=tuple(sorted(result.number for result in group)),
    )


def _mean(values: Iterable[float | None]) -> float | None:
    mean: float | None = None
    for count, value in enumerate((value for value in map(finite, values) if value is not None), 1):
        mean = mean_with(mean, value, count)
    return mean


def front(goals: Sequence[Goal], results: Iterable[Result]) -> list[Result]:
    """The Pareto front: those to whom no other is equal or better in every objective and better in one.

    In order of the first objective; equals are on it together. Costs n log n up to three objectives, n times the
    front for more.
    """
    points: dict[tuple[float, ...], list[Result]] = {}
    for result in results:
        if result.is_allowed and result.is_whole and None not in map(finite, result.values):
            keys = tuple(key_of(goal, value) for goal, value in zip(goals, result.values, strict=True))
            points.setdefault(keys, []).append(result)
    ordered = sorted(points)  # whoever dominates a point comes before it
    found = _staircase(ordered) if len(goals) <= 3 else _one_by_one(ordered)
    return [result for keys in found for result in sorted(points[keys], key=lambda result: result.number)]


def _staircase(ordered: Iterable[tuple[float, ...]]) -> list[tuple[float, ...]]:
    """Of those before, the best third key for each second key, as far as it improves."""
    found = []
    seconds: list[float] = []
    thirds: list[float] = []
    for keys in ordered:
        _, second, third = (*keys, 0.0, 0.0)[:3]
        place = bisect_right(seconds, second)
        if place and thirds[place - 1] <= third:
            continue
        found.append(keys)
        start = end = bisect_left(seconds, second)
        while end < len(thirds) and thirds[end] >= third:
            end += 1
        seconds[start:end], thirds[start:end] = [second], [third]
    return found


def _one_by_one(ordered: Iterable[tuple[float, ...]]) -> list[tuple[float, ...]]:
    found: list[tuple[float, ...]] = []
    for keys in ordered:
        if not any(all(mine <= its for mine, its in zip(other, keys, strict=True)) for other in found):
            found.append(keys)
    return found
