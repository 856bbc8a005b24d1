"""Parameter expressions in v1's words: what a parameter of a sweep may be.

Each gives v1's own form, a list such as `["uniform", [0, 1]]`, which is checked when it is put into a sampling.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from faena.kernel.errors import UserErrorException

Expression = list[Any]


def choice(*options: Any) -> Expression:
    """One of `options`, or of the members of the one list or range that is given.

    An option that is a dict sets several parameters at once; its values may be expressions themselves.
    Raises UserErrorException without options.
    """
    found = list(options)
    if len(options) == 1 and _is_list(options[0]):
        found = list(options[0])
    if not found:
        raise UserErrorException("choice() has no options. Give at least one: choice(16, 32).")
    return ["choice", [found]]


def flag() -> Expression:
    """An argument that is given or left out, as `--augment` is."""
    return ["flag", []]


def randint(upper: int) -> Expression:
    """A whole number from 0 to `upper` - 1."""
    return ["randint", [upper]]


def uniform(min_value: float, max_value: float) -> Expression:
    """A number between the two, each as likely as another."""
    return ["uniform", [min_value, max_value]]


def quniform(min_value: float, max_value: float, q: float) -> Expression:
    """round(uniform(min_value, max_value) / q) * q."""
    return ["quniform", [min_value, max_value, q]]


def loguniform(min_value: float, max_value: float) -> Expression:
    """exp(uniform(min_value, max_value)): the logarithm lies between the two."""
    return ["loguniform", [min_value, max_value]]


def qloguniform(min_value: float, max_value: float, q: float) -> Expression:
    """round(exp(uniform(min_value, max_value)) / q) * q."""
    return ["qloguniform", [min_value, max_value, q]]


def normal(mu: float, sigma: float) -> Expression:
    """A number of the normal distribution with mean `mu` and standard deviation `sigma`."""
    return ["normal", [mu, sigma]]


def qnormal(mu: float, sigma: float, q: float) -> Expression:
    """round(normal(mu, sigma) / q) * q."""
    return ["qnormal", [mu, sigma, q]]


def lognormal(mu: float, sigma: float) -> Expression:
    """exp(normal(mu, sigma)): the logarithm is of the normal distribution."""
    return ["lognormal", [mu, sigma]]


def qlognormal(mu: float, sigma: float, q: float) -> Expression:
    """round(exp(normal(mu, sigma)) / q) * q."""
    return ["qlognormal", [mu, sigma, q]]


def _is_list(option: object) -> bool:
    """Also an array of numpy's that has a dimension."""
    if isinstance(option, (str, bytes)):
        return False
    return isinstance(option, Sequence) or bool(getattr(option, "shape", ()))
