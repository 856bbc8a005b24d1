"""What a parameter may be: the words of v1, and `flag`. No I/O.

    expression                   coordinate                        value
    choice([a, b])               index of the option               the option
    flag()                       0, 1                              None: left out; "": the bare name
    randint(n)                   0 to n - 1                        the coordinate
    uniform(min, max)            min to max                        the coordinate
    loguniform(min, max)         min to max                        exp of the coordinate
    normal(mu, sigma)            a probability                     what is below a normal number with it
    lognormal(mu, sigma)         a probability                     exp of such a number
    quniform, qloguniform, qnormal, qlognormal (…, q)              the same, rounded to a multiple of q

A word and the list of its arguments is an expression: `["uniform", [0.1, 1]]`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NoReturn

from faena.kernel.errors import UserErrorException
from faena.kernel.nearest import nearest
from faena.kernel.plural import counted
from faena.sweeps.arguments import check_value, shown
from faena.sweeps.distributions import (
    MOST_MULTIPLES,
    Continuous,
    Expression,
    Quantised,
    RandInt,
    as_number,
)
from faena.sweeps.options import Choice, Flag

MOST_OPTIONS = 10_000
_LARGEST_RANDINT = 2**53
_LEAST_PROBABILITY = 1e-9

_ARGUMENTS = {
    "choice": ("options",),
    "flag": (),
    "randint": ("upper",),
    "uniform": ("min", "max"),
    "quniform": ("min", "max", "q"),
    "loguniform": ("min", "max"),
    "qloguniform": ("min", "max", "q"),
    "normal": ("mu", "sigma"),
    "qnormal": ("mu", "sigma", "q"),
    "lognormal": ("mu", "sigma"),
    "qlognormal": ("mu", "sigma", "q"),
}
WORDS = tuple(_ARGUMENTS)


def split(name: str, given: object) -> tuple[str, list[Any]]:
    """The word of an expression and its arguments. Raises UserErrorException that names the parameter."""
    word, arguments = as_written(given)
    if not word:
        raise UserErrorException(
            f"Parameter {name!r} is {shown(given)}. Give an expression, such as uniform(0.1, 1) or choice(1, 2); "
            "what stays the same belongs among the script's arguments."
        )
    if word not in _ARGUMENTS:
        near = nearest(word, WORDS)
        hint = f"Did you mean {' or '.join(near)}?" if near else f"Use one of {', '.join(WORDS)}."
        raise UserErrorException(f"Parameter {name!r}: {shown(word)} is no expression. {hint}")
    wanted = _ARGUMENTS[word]
    if len(arguments) != len(wanted):
        form = "[option, …]" if word == "choice" else ", ".join(wanted)
        raise UserErrorException(
            f"Parameter {name!r}: {word} has {counted(len(arguments), 'argument')}, {shown(list(arguments))}. "
            f"Give {len(wanted)}: {word}({form})."
        )
    return word, list(arguments)


def as_written(given: object) -> tuple[str, Sequence[Any]]:
    """The word and the list that an expression is written as; no word where it is something else."""
    if not isinstance(given, (list, tuple)) or len(given) != 2:
        return "", ()
    word, arguments = given
    is_one = isinstance(word, str) and isinstance(arguments, (list, tuple))
    return (word, arguments) if is_one else ("", ())


def is_expression(name: str, given: object) -> bool:
    """Raises UserErrorException for what looks like one whose word is misspelled."""
    word, _ = as_written(given)
    if word and word not in WORDS and nearest(word, WORDS):
        split(name, given)
    return word in WORDS


def options_of(name: str, arguments: Sequence[Any]) -> list[Any]:
    """Of a choice. Raises UserErrorException that names the parameter."""
    options = arguments[0]
    if not isinstance(options, (list, tuple, range)):
        raise UserErrorException(
            f"Parameter {name!r}: choice has {shown(options)}. Give a list of options, such as choice(1, 2)."
        )
    if not options:
        raise UserErrorException(f"Parameter {name!r}: choice has no option. Give at least one.")
    if len(options) > MOST_OPTIONS:
        raise UserErrorException(
            f"Parameter {name!r}: choice has {len(options):,} options. Give {MOST_OPTIONS:,} at most, or randint or "
            "quniform."
        )
    return list(options)


def parse(name: str, word: str, arguments: Sequence[Any]) -> Expression:
    """What `split` gave. Raises UserErrorException that names the parameter."""
    if word == "choice":
        return Choice([check_value(name, option) for option in options_of(name, arguments)])
    if word == "flag":
        return Flag()
    numbers = [
        _finite(name, word, argument, each)
        for argument, each in zip(_ARGUMENTS[word], arguments, strict=True)
    ]
    if word == "randint":
        return _randint(name, numbers[0], arguments[0])
    refuse = _Refusal(name, word, arguments)
    base = word.removeprefix("q")
    found = (_between if base.endswith("uniform") else _around)(refuse, base, numbers[0], numbers[1])
    if base == word:
        return found
    q = numbers[2]
    if q <= 0:
        refuse("q has to be above 0")
    if max(abs(found.least), abs(found.most)) / q > MOST_MULTIPLES:
        refuse("q is too small for numbers of this size")
    try:
        quantised = Quantised(found, q, is_finite=base.endswith("uniform"))
        quantised.value(found.low), quantised.value(found.high)
    except OverflowError:
        refuse("a multiple of q is beyond what a number can be")
    return quantised


class _Refusal:
    def __init__(self, name: str, word: str, arguments: Sequence[Any]) -> None:
        self._what = f"Parameter {name!r}: {word}({', '.join(shown(each) for each in arguments)})"

    def __call__(self, why: str) -> NoReturn:
        raise UserErrorException(f"{self._what} cannot be drawn from: {why}.")


def _finite(name: str, word: str, argument: str, given: object) -> float:
    number = None if isinstance(given, str) else as_number(given)
    if number is None:
        raise UserErrorException(
            f"Parameter {name!r}: {argument} of {word} is {shown(given)}. Give a finite number."
        )
    return number


def _randint(name: str, upper: float, given: object) -> Expression:
    if not upper.is_integer() or not 1 <= upper <= _LARGEST_RANDINT:
        raise UserErrorException(
            f"Parameter {name!r}: randint({shown(given)}) cannot be drawn from: it gives integers from 0 to below "
            f"its argument. Give an integer from 1 to {_LARGEST_RANDINT}."
        )
    return RandInt(int(upper))


def _between(refuse: _Refusal, base: str, low: float, high: float) -> Continuous:
    if low >= high:
        refuse("min has to be below max; give the smaller one first")
    if math.isinf(high - low):
        refuse("its range is beyond what a number can be")
    if base == "uniform":
        return Continuous(low, high)
    if not _has_exp(low) or not _has_exp(high):
        refuse("min and max are logarithms, exp of them is beyond what a number can be")
    return Continuous(low, high, math.exp, math.log)


def _around(refuse: _Refusal, base: str, mu: float, sigma: float) -> Continuous:
    from statistics import NormalDist  # costs more than all the rest of this file

    if sigma <= 0:
        refuse("sigma has to be above 0")
    if math.isinf(abs(mu) + 7 * sigma):
        refuse("its range is beyond what a number can be")
    distribution = NormalDist(mu, sigma)

    def below(number: float) -> float:
        return math.erfc((mu - number) / (sigma * math.sqrt(2))) / 2

    low, high = _LEAST_PROBABILITY, 1 - _LEAST_PROBABILITY
    if base == "normal":
        return Continuous(low, high, distribution.inv_cdf, below)
    if not _has_exp(mu - 7 * sigma) or not _has_exp(mu + 7 * sigma):
        refuse("mu and sigma are of the logarithm, exp of it is beyond what a number can be")
    return Continuous(
        low,
        high,
        lambda probability: math.exp(distribution.inv_cdf(probability)),
        lambda number: below(math.log(number)),
    )


def _has_exp(number: float) -> bool:
    return abs(number) < 700
