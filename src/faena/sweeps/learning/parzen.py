"""The two mixtures that TPE compares, of the good trials and of the others, as Optuna 5.0.0 makes them.

A kernel for each trial, and one for the whole space. After optuna/samplers/_tpe/parzen_estimator.py and
probability_distributions.py (LICENSE.optuna), for numbers without steps and for integers, which is all that a space of
ours has. Each number is computed by the same operations in the same order, so that the draws are the same ones.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np

from faena.sweeps.learning import normal
from faena.sweeps.space import Dimension

_EQUAL = 25
"""So many of the newest trials weigh the same; the older ones the less, the older they are."""
_NARROW = 100_000
"""Up to so many values of an integer, it is remembered what a kernel weighs at which distance: a draw at 1,000 trials
needs 24,000 of them, which are computed one after the other."""
_COMMON = 8
"""Kernels of the same width for which that pays."""
_REMEMBERED = 16
"""Widths."""


class Axis:
    """One parameter: its bounds, and what was computed for its kernels before."""

    def __init__(self, dimension: Dimension) -> None:
        self.is_integer = dimension.kind != "float"
        self.lowest, self.highest = dimension.low, dimension.high
        half = 0.5 if self.is_integer else 0.0
        self.low, self.high = dimension.low - half, dimension.high + half
        self.width = self.high - self.low
        self._masses: dict[float, np.ndarray] = {}
        """Of an integer: sigma -> log of the probability of the value at each distance; NaN: not known yet."""

    def sigmas(self, means: np.ndarray) -> np.ndarray:
        """How wide the kernel of each trial is: to its farther neighbour, within limits."""
        count = len(means)
        order = np.argsort(means)
        ends = np.empty(count + 2)
        ends[0], ends[-1] = self.low, self.high
        ends[1:-1] = means[order]
        gaps = ends[1:] - ends[:-1]
        wider = np.maximum(gaps[:-1], gaps[1:])
        if count >= 2:
            wider[0], wider[-1] = gaps[1], gaps[-2]
        sigmas = np.empty(count)
        sigmas[order] = wider
        np.maximum(sigmas, self.width / min(100.0, 2.0 + count), out=sigmas)
        return np.minimum(sigmas, self.width, out=sigmas)

    def log_mass(self, means: np.ndarray, sigmas: np.ndarray) -> np.ndarray:
        """Of the part of each kernel that lies within the bounds."""
        return normal.log_mass((self.low - means) / sigmas, (self.high - means) / sigmas)

    def of_integers(self, values: np.ndarray, means: np.ndarray, sigmas: np.ndarray) -> np.ndarray:
        """Log of the probability of each value by each kernel; the last of these is the one for the whole space."""
        different, place = np.unique(values, return_inverse=True)
        found = np.empty((len(different), len(means)))
        rest = np.ones(len(means), bool)
        for width in self._common(sigmas[:-1]):
            of_width = sigmas == width
            of_width[-1] = False
            found[:, of_width] = self._by_distance(different, means[of_width], width)
            rest &= ~of_width
        found[:, rest] = _between(different, means[rest], sigmas[rest])
        return found[place]

    def _common(self, sigmas: np.ndarray) -> list[float]:
        """Widths that many kernels have; those of others are soon forgotten."""
        if self.width > _NARROW or len(sigmas) < _COMMON:
            return []
        widths, counts = np.unique(sigmas, return_counts=True)
        common: list[float] = widths[counts >= _COMMON].tolist()
        return common

    def _by_distance(self, values: np.ndarray, means: np.ndarray, width: float) -> np.ndarray:
        """A kernel is as high to the left as to the right."""
        known = self._masses.pop(width, None)
        if known is None:  # a value is no farther away than that
            known = np.full(int(self.width) + 1, np.nan)
        self._masses[width] = known
        while len(self._masses) > _REMEMBERED:
            del self._masses[next(iter(self._masses))]
        distances = np.abs(values[:, None] - means).astype(np.int64)
        found: np.ndarray = known[distances]
        if (missing := np.isnan(found)).any():
            new = np.unique(distances[missing])
            known[new] = normal.log_mass((-0.5 - new) / width, (0.5 - new) / width)
            found = known[distances]
        return found


class Mixture:
    """`means`, `sigmas`, `masses`: of the trials' kernels, by axis."""

    def __init__(
        self,
        axes: Sequence[Axis],
        means: Sequence[np.ndarray],
        sigmas: Sequence[np.ndarray],
        masses: Sequence[np.ndarray],
    ) -> None:
        self._axes = axes
        widths = [axis.width for axis in axes]
        middles = [0.5 * (axis.low + axis.high) for axis in axes]
        whole = [_mass_of_whole(axis.low, axis.high) for axis in axes]
        self._means = _with(means, middles)
        self._sigmas = _with(sigmas, widths)
        self._masses = _with(masses, whole)
        self._weights = _weights(len(means[0]))

    def sample(self, chance: np.random.RandomState, count: int) -> np.ndarray:
        """A row for each axis."""
        shares = self._weights.cumsum()
        shares /= shares[-1]
        kernels = shares.searchsorted(chance.random_sample(count), side="right")
        means = np.array([each[kernels] for each in self._means])
        sigmas = np.array([each[kernels] for each in self._sigmas])
        lows = np.array([[axis.low] for axis in self._axes])
        highs = np.array([[axis.high] for axis in self._axes])
        parts = chance.random_sample(means.shape)
        found = normal.quantiles(
            parts.ravel(), ((lows - means) / sigmas).ravel(), ((highs - means) / sigmas).ravel()
        ).reshape(means.shape)
        found *= sigmas
        found += means
        for axis, values in zip(self._axes, found, strict=True):
            if axis.is_integer:
                values[:] = np.clip(axis.lowest + np.round(values - axis.lowest), axis.lowest, axis.highest)
        return found

    def log_density(self, samples: np.ndarray) -> np.ndarray:
        total = np.zeros((samples.shape[1], len(self._weights)))
        continuous: list[np.ndarray] = []
        for axis, values, means, sigmas, masses in zip(
            self._axes, samples, self._means, self._sigmas, self._masses, strict=True
        ):
            if axis.is_integer:
                total += axis.of_integers(values, means, sigmas)
                total -= masses
            else:
                continuous.append(_of_numbers(axis, values, means, sigmas, masses))
        if continuous:
            total += _sum(continuous)
        total += np.log(self._weights)
        most = total.max(axis=1)
        most[np.isneginf(most)] = 0
        total -= most[:, None]
        with np.errstate(divide="ignore"):
            found: np.ndarray = np.log(np.exp(total, out=total).sum(axis=1)) + most
        return found


def _of_numbers(
    axis: Axis, values: np.ndarray, means: np.ndarray, sigmas: np.ndarray, masses: np.ndarray
) -> np.ndarray:
    standardized = values[:, None] - means
    standardized /= sigmas
    is_outside = None
    if values.min() < axis.low or values.max() > axis.high:  # by rounding
        is_outside = (standardized < (axis.low - means) / sigmas) | (
            standardized > (axis.high - means) / sigmas
        )
    found = normal.log_density(standardized)
    found -= masses
    found -= np.log(sigmas)
    if is_outside is not None:
        found[is_outside] = -np.inf
    return found


def _between(values: np.ndarray, means: np.ndarray, sigmas: np.ndarray) -> np.ndarray:
    """Log of the probability of integers, by each kernel."""
    below = ((values - 0.5)[:, None] - means) / sigmas
    above = ((values + 0.5)[:, None] - means) / sigmas
    return normal.log_mass(below.ravel(), above.ravel()).reshape(below.shape)


def _sum(parts: Sequence[np.ndarray]) -> np.ndarray:
    """As numpy adds up along the last axis: one after the other, or eight sums next to each other."""
    one_by_one = len(parts) < 8
    found: np.ndarray = (
        functools.reduce(np.add, parts) if one_by_one else np.stack(parts, axis=-1).sum(axis=-1)
    )
    return found


def _with(arrays: Sequence[np.ndarray], last: Sequence[float]) -> list[np.ndarray]:
    return [np.append(array, each) for array, each in zip(arrays, last, strict=True)]


@functools.lru_cache(256)
def _mass_of_whole(low: float, high: float) -> float:
    middle, width = 0.5 * (low + high), high - low
    [found] = normal.log_mass(np.array([(low - middle) / width]), np.array([(high - middle) / width]))
    return float(found)


def _weights(trials: int) -> np.ndarray:
    """Of the kernels in the order of the trials' numbers, the one for the whole space last."""
    weights = np.ones(trials + 1)
    if trials >= _EQUAL:
        weights[: trials - _EQUAL] = np.linspace(1.0 / trials, 1.0, num=trials - _EQUAL)
    weights /= weights.sum()
    return weights
