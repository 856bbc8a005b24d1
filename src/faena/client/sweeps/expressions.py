"""Parameter expressions in v1's words: what a parameter of a sweep may be.

Each gives v1's own form, a list such as `["uniform", [0, 1]]`, which is checked when it is put into a sampling.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from faena.kernel.errors import UserErrorException

Expression = list[Any]


def choice(*options: Any) -> Expression:
    """One of `options`, or of the members of the one list, range, array or generator that is given.

    An option that is a dict sets several parameters at once; its values may be expressions themselves.
    Raises UserErrorException without options, and for more than can be given.
    """
    found = list(options)
    if len(options) == 1 and _is_list(options[0]):
        found = _members(options[0])
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
    return isinstance(option, (Sequence, Iterator)) or bool(getattr(option, "shape", ()))


def _members(options: Iterable[Any]) -> list[Any]:
    """Of what may have no end, such as a generator, no more are made than can be options."""
    from faena.sweeps.expressions import MOST_OPTIONS

    found = list(islice(options, MOST_OPTIONS + 1))
    if len(found) > MOST_OPTIONS:
        raise UserErrorException(
            f"choice() has more than {MOST_OPTIONS:,} options{_called(options)}. Use randint(upper) for whole numbers "
            "from 0, quniform(min_value, max_value, q) for others, or fewer options."
        )
    return found


def _called(options: object) -> str:
    return f": {options}" if isinstance(options, range) else ""
