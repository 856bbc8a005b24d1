"""How a coordinate, which a sampler chooses, becomes the value of a parameter. No I/O.

A coordinate has one value; a value that somebody gives is found again with its coordinate. Half a multiple is rounded
to the even one. Multiples are those of q as it is written: with q = 0.1 the third is 0.3.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Literal

Kind = Literal["index", "int", "float"]
Coordinate = float | int

MOST_MULTIPLES = 1e12
"""Of q from zero to the end of a range: beyond, floats are too coarse."""
_LONGEST_NUMBER = 100
_NEAR = 1e-9


class Expression(ABC):
    """One number that a sampler chooses, and the value that it means."""

    __slots__ = ("count", "high", "kind", "low")
    kind: Kind
    low: Coordinate
    high: Coordinate
    """Both ends are within."""
    count: int | None
    """How many values there are; None: no end of them."""

    @abstractmethod
    def value(self, coordinate: Coordinate) -> Any: ...

    @abstractmethod
    def find(self, value: object) -> tuple[Coordinate, Any] | None:
        """Where a value lies that was given as such or as a text, and the value; None: nowhere."""

    @abstractmethod
    def perturbed(self, coordinate: Coordinate, factor: float) -> Coordinate:
        """The coordinate of the value times a factor: within the range, and another one where a step leads there."""

    def from_unit(self, unit: float) -> Coordinate:
        """The coordinate at a place in [0, 1)."""
        return min(self.low + int(unit * (self.high - self.low + 1)), self.high)

    def nth(self, index: int) -> Coordinate:
        """The coordinate of one of the `count` values."""
        return int(self.low) + index

    def find_missing(self) -> Coordinate | None:
        """Where the parameter is left out."""
        return None


class RandInt(Expression):
    __slots__ = ()

    def __init__(self, upper: int) -> None:
        self.kind, self.low, self.high, self.count = "int", 0, upper - 1, upper

    def value(self, coordinate: Coordinate) -> Any:
        return int(coordinate)

    def perturbed(self, coordinate: Coordinate, factor: float) -> Coordinate:
        return min(max(_stepped(int(coordinate), coordinate * factor), self.low), self.high)

    def find(self, value: object) -> tuple[Coordinate, Any] | None:
        number = as_number(value)
        if number is None or not number.is_integer() or not self.low <= number <= self.high:
            return None
        return int(number), int(number)


class Continuous(Expression):
    """`forward` grows with the coordinate; `inverse` leads back, almost exactly."""

    __slots__ = ("forward", "inverse", "least", "most")

    def __init__(
        self,
        low: float,
        high: float,
        forward: Callable[[float], float] = float,
        inverse: Callable[[float], float] = float,
    ) -> None:
        self.kind, self.low, self.high, self.count = "float", low, high, None
        self.forward, self.inverse = forward, inverse
        self.least, self.most = forward(low), forward(high)

    def value(self, coordinate: Coordinate) -> Any:
        return self.forward(coordinate)

    def from_unit(self, unit: float) -> Coordinate:
        return min(self.low + unit * (self.high - self.low), self.high)

    def perturbed(self, coordinate: Coordinate, factor: float) -> Coordinate:
        return self.coordinate(self.forward(coordinate) * factor)

    def find(self, value: object) -> tuple[Coordinate, Any] | None:
        number = as_number(value)
        if number is None or not self._within(number):
            return None
        return self.coordinate(number), number

    def _within(self, number: float) -> bool:
        """Ends that are made by exp or the like are not met exactly by numbers that people write."""
        if self.least <= number <= self.most:
            return True
        if self.forward is float:
            return False
        return math.isclose(number, self.least, rel_tol=_NEAR) or math.isclose(
            number, self.most, rel_tol=_NEAR
        )

    def coordinate(self, number: float) -> float:
        """That of the number, or of the end that is nearer to it."""
        if number <= self.least:
            return self.low
        if number >= self.most:
            return self.high
        near = min(max(self.inverse(number), self.low), self.high)
        around = (near, math.nextafter(near, -math.inf), math.nextafter(near, math.inf))
        return next((each for each in around if self.forward(each) == number), near)


class Quantised(Continuous):
    """The multiples of q next to a continuous number; they may lie outside its range."""

    __slots__ = ("denominator", "first", "last", "numerator", "q")

    def __init__(self, base: Continuous, q: float, *, is_finite: bool) -> None:
        super().__init__(base.low, base.high, base.forward, base.inverse)
        self.q = q
        self.numerator, self.denominator = _as_written(q)
        self.first, self.last = round(self.least / q), round(self.most / q)
        self.count = self.last - self.first + 1 if is_finite else None

    def value(self, coordinate: Coordinate) -> Any:
        return round(self.forward(coordinate) / self.q) * self.numerator / self.denominator

    def perturbed(self, coordinate: Coordinate, factor: float) -> Coordinate:
        multiple = round(self.forward(coordinate) / self.q)
        moved = min(max(_stepped(multiple, multiple * factor), self.first), self.last)
        return self.coordinate(moved * self.numerator / self.denominator)

    def nth(self, index: int) -> Coordinate:
        return self.coordinate((self.first + index) * self.numerator / self.denominator)

    def find(self, value: object) -> tuple[Coordinate, Any] | None:
        number = as_number(value)
        if number is None or not abs(number / self.q) <= 2 * MOST_MULTIPLES:
            return None
        multiple = round(number / self.q)
        exact = multiple * self.numerator / self.denominator
        if not self.first <= multiple <= self.last or abs(number - exact) > 4 * math.ulp(exact):
            return None
        return self.coordinate(exact), exact


def as_number(value: object) -> float | None:
    """The finite number that a value is, or the text of one; True and False are none."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    if isinstance(value, str) and (len(value) > _LONGEST_NUMBER or "_" in value):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _stepped(number: int, moved: float) -> int:
    """The integer next to where a number was moved to; one step that way at least, and 0 stays."""
    nearest = round(moved)
    return nearest if nearest != number else number + (moved > number) - (moved < number)


def _as_written(q: float) -> tuple[int, int]:
    """The fraction that its shortest decimal is: 0.1 is 1/10, which no float is."""
    mantissa, _, exponent = repr(q).partition("e")
    whole, _, part = mantissa.partition(".")
    power = int(exponent or 0) - len(part)
    digits = int(whole + part)
    return (digits * 10**power, 1) if power >= 0 else (digits, 10**-power)
