"""How much of the differences between trials each parameter explains by itself.

The share of the variance of the trials' ranks that lies between the values of a parameter: the main effects of a
functional analysis of variance (Hutter, Hoos and Leyton-Brown, 2014, "An Efficient Approach for Assessing
Hyperparameter Importance") with the trials themselves in place of a random forest. Ranks, so that a trial that
diverged does not decide by itself, and a logarithm of the metric changes nothing. Numbers are put into up to ten bins
of equally many trials. What so many bins would explain of mere chance is taken off (epsilon squared: Kelley, 1935, "An
Unbiased Correlation Ratio Measure").

A parameter that only some trials have is looked at among those. What parameters do only together is in no share, and a
sampler that learns tries few values where it is bad: both make shares smaller.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

from faena.client.sweeps.axes import Axis, Tried

LEAST = 4
"""Trials below which nothing is said."""
_MOST_BINS = 10


def importances(axes: Iterable[Axis], tried: Sequence[Tried]) -> dict[str, float]:
    """Shares from 0 to 1, the greatest first; nothing where there are too few trials, or all are alike."""
    measured = [each for each in tried if each.value is not None]
    ranks = _ranks([each.value for each in measured if each.value is not None])
    whole = _spread(ranks)
    if len(measured) < LEAST or not whole:
        return {}
    shares = {}
    for axis in axes:
        placed = [
            (place, rank)
            for each, rank in zip(measured, ranks, strict=True)
            if (place := axis.place(each.parameters)) is not None
        ]
        groups = _by_place(placed) if axis.kind == "category" else _binned(placed)
        shares[axis.name] = _explained(groups) / whole
    return dict(sorted(shares.items(), key=lambda item: -item[1]))


def _ranks(values: Sequence[float]) -> list[float]:
    """Equal values share the mean of their ranks."""
    order = sorted(range(len(values)), key=values.__getitem__)
    ranks = [0.0] * len(values)
    for _, group in groupby(enumerate(order), key=lambda item: values[item[1]]):
        together = list(group)
        mean = (together[0][0] + together[-1][0]) / 2
        for _, index in together:
            ranks[index] = mean
    return ranks


def _by_place(placed: Sequence[tuple[float, float]]) -> Mapping[float, list[float]]:
    groups: dict[float, list[float]] = defaultdict(list)
    for place, rank in placed:
        groups[place].append(rank)
    return groups


def _binned(placed: Sequence[tuple[float, float]]) -> Mapping[float, list[float]]:
    """Equal numbers are in one bin."""
    count = len(placed)
    bins = max(2, min(_MOST_BINS, round(math.sqrt(count) / 1.5)))
    groups: dict[float, list[float]] = defaultdict(list)
    start = 0
    for _, group in groupby(sorted(placed), key=lambda item: item[0]):
        ranks = [rank for _, rank in group]
        groups[start * bins // count] += ranks
        start += len(ranks)
    return groups


def _explained(groups: Mapping[float, list[float]]) -> float:
    """The part of the sum of squares that lies between groups, without what chance would give."""
    together = [rank for group in groups.values() for rank in group]
    spread, free = _spread(together), len(together) - len(groups)
    if len(groups) < 2 or free <= 0 or not spread:
        return 0.0
    within = sum(map(_spread, groups.values()))
    share = 1 - (within / free) / (spread / (len(together) - 1))
    return max(0.0, share) * spread


def _spread(ranks: Sequence[float]) -> float:
    if not ranks:
        return 0.0
    mean = math.fsum(ranks) / len(ranks)
    return math.fsum((rank - mean) ** 2 for rank in ranks)
