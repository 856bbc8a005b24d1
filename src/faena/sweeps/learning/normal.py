"""Truncated normal distributions of Optuna's TPE, to the last bit as Optuna computes them, for arrays of any length.

After optuna/samplers/_tpe/_truncnorm.py of Optuna 5.0.0, which is after SciPy's (LICENSE.optuna). Numbers for which
numpy has no function are computed one after the other by `math`, as there, but without a look into a cache each. From
2,000 numbers on Optuna takes another error function, whose values differ in the last bit: for densities, not for draws.
"""

from __future__ import annotations

import math

import numpy as np

_ROOT = 2**0.5
_LOG_ROOT_2PI = math.log(math.sqrt(2 * math.pi))
_LOGISTIC = math.sqrt(3) / math.pi
_STEPS = 100
"""Of Newton's method."""


def log_density(standardized: np.ndarray) -> np.ndarray:
    """Of the normal distribution without bounds; the array is the caller's own, and is changed."""
    standardized *= standardized
    standardized *= -0.5
    standardized -= _LOG_ROOT_2PI
    return standardized


def log_cdf(numbers: np.ndarray) -> np.ndarray:
    return np.array([_log_cdf(number) for number in numbers.tolist()])


def log_mass(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Of the probability between `a` and `b`, in one dimension."""
    is_left, is_right = b <= 0, a > 0
    if not (is_left.any() or is_right.any()):
        return _around_mean(a, b)
    found = np.empty_like(a)
    is_around = ~(is_left | is_right)
    found[is_around] = _around_mean(a[is_around], b[is_around])
    found[is_left] = _left_of_mean(a[is_left], b[is_left])
    found[is_right] = _left_of_mean(-b[is_right], -a[is_right])
    return found


def quantiles(q: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The numbers below which parts `q` of the distributions between `a` and `b` lie, in one dimension."""
    mass = log_mass(a, b)
    is_left = a < 0
    if is_left.all():
        return _inverse(np.logaddexp(log_cdf(a), np.log(q) + mass))
    found, is_right = np.empty_like(q), ~is_left
    if is_left.any():
        found[is_left] = _inverse(np.logaddexp(log_cdf(a[is_left]), np.log(q[is_left]) + mass[is_left]))
    found[is_right] = -_inverse(np.logaddexp(log_cdf(-b[is_right]), np.log1p(-q[is_right]) + mass[is_right]))
    return found


def _around_mean(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    found: np.ndarray = np.log1p(-_cdf(a) - _cdf(-b))
    return found


def _left_of_mean(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    upper = log_cdf(b)
    found: np.ndarray = upper + np.log1p(-np.exp(log_cdf(a) - upper))
    return found


def _cdf(numbers: np.ndarray) -> np.ndarray:
    erf = math.erf
    return 0.5 + 0.5 * np.array([erf(number) for number in (numbers / _ROOT).tolist()])


def _log_cdf(number: float) -> float:
    if number > 6:
        return -_cdf_of(-number)
    if number > -20:
        return math.log(_cdf_of(number))
    return _log_cdf_far_left(number)


def _cdf_of(number: float) -> float:
    x = number / _ROOT
    if x < -1 / _ROOT:
        return 0.5 * math.erfc(-x)
    if x < 1 / _ROOT:
        return 0.5 + 0.5 * math.erf(x)
    return 1.0 - 0.5 * math.erfc(x)


def _log_cdf_far_left(number: float) -> float:
    left = -0.5 * number**2 - math.log(-number) - 0.5 * math.log(2 * math.pi)
    before, total, numerator, denominator = 0.0, 1.0, 1.0, 1.0
    factor, sign, step = 1 / number**2, 1, 0
    while abs(before - total) > np.finfo(float).eps:
        step += 1
        before = total
        sign = -sign
        denominator *= factor
        numerator *= 2 * step - 1
        total += sign * numerator * denominator
    return left + math.log(total)


def _inverse(logs: np.ndarray) -> np.ndarray:
    """Of `log_cdf`, by Newton's method, for all numbers together: each takes as many steps as the slowest."""
    flipped = logs > -1e-2
    wanted = logs.copy()
    wanted[flipped] = np.log(-np.expm1(logs[flipped]))
    found = np.empty_like(logs)
    is_small = wanted < -5
    found[is_small] = -np.sqrt(-2.0 * (wanted[is_small] + _LOG_ROOT_2PI))
    is_moderate = ~is_small
    found[is_moderate] = -_LOGISTIC * np.log(np.expm1(-wanted[is_moderate]))
    for _ in range(_STEPS):
        reached = log_cdf(found)
        slope = -0.5 * found**2 - _LOG_ROOT_2PI
        change = (reached - wanted) * np.exp(reached - slope)
        found -= change
        if (np.abs(change) < 1e-8 * np.abs(found)).all():
            break
    found[flipped] *= -1
    return found
