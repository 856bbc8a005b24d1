"""How a constraint is computed: numbers only, of bounded size, and parameters that are not there. No I/O."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

Known = Mapping[str, Any]
"""Values by name; a parameter that is not there is not among them."""
Compute = Callable[[Known], Any]
Decide = Callable[[Known], bool | None]
"""None: it does not apply."""

_LARGEST_BITS = 4096
"""Of an integer on the way."""


class Impossible(Exception):
    """The constraint cannot be computed with these values."""


class Absent(Exception):
    """A parameter is not there."""


def number(value: Any) -> Any:
    if value is None:  # the parameter is left out
        raise Absent
    if not isinstance(value, (int, float)):
        raise Impossible
    return value


def bounded(value: Any) -> Any:
    if isinstance(value, complex) or (isinstance(value, int) and value.bit_length() > _LARGEST_BITS):
        raise Impossible
    return value


def power(base: Any, exponent: Any) -> Any:
    whole = isinstance(base, int) and isinstance(exponent, int)
    if whole and abs(exponent) * base.bit_length() > _LARGEST_BITS and abs(base) > 1:
        raise Impossible
    return base**exponent


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def decide(left: Any, right: Any) -> bool:
        if isinstance(left, str) and isinstance(right, str):
            return compare(left, right)
        return compare(number(left), number(right))

    return decide


def _within(value: Any, options: Any) -> bool:
    if not isinstance(options, list):
        raise Impossible
    return value in options


ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
}
COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "=": operator.eq,
    "!=": operator.ne,
    "<": _ordered(operator.lt),
    "<=": _ordered(operator.le),
    ">": _ordered(operator.gt),
    ">=": _ordered(operator.ge),
    "in": _within,
    "not in": lambda value, options: not _within(value, options),
}
FUNCTIONS: dict[str, Callable[..., Any]] = {"min": min, "max": max, "abs": abs}
CONSTANTS = {"True": True, "False": False, "true": True, "false": False, "None": None}


def reading(name: str) -> Compute:
    def read(known: Known) -> Any:
        try:
            return known[name]
        except KeyError:
            raise Absent from None

    return read


def applied(apply: Callable[..., Any], items: list[Any]) -> Any:
    values = items[0] if len(items) == 1 and isinstance(items[0], list) else items
    numbers = [number(value) for value in values]
    if not numbers:
        raise Impossible
    return apply(numbers[0]) if apply is abs else apply(numbers)


def condition(compute: Compute) -> Decide:
    def decide(known: Known) -> bool | None:
        try:
            found = compute(known)
        except Absent:
            return None
        if found is None or isinstance(found, (bool, int, float)):
            return None if found is None else bool(found)
        raise Impossible

    return decide
