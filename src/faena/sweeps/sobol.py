"""Sobol's sequence, a point at a time, by its number. No I/O."""

from __future__ import annotations

from functools import cache, lru_cache
from hashlib import blake2b

from faena.sweeps.direction_numbers import POLYNOMIALS_AND_NUMBERS

BITS = 32
MOST_POINTS = 1 << BITS
_UNIT_BITS = 53


@cache
def _directions() -> tuple[tuple[int, ...], ...]:
    """For each dimension the numbers that are combined, the first bit's first."""
    found = [tuple(1 << (BITS - 1 - bit) for bit in range(BITS))]
    for entry in POLYNOMIALS_AND_NUMBERS.split(","):
        polynomial, *initial = (int(number) for number in entry.split())
        degree = len(initial)
        numbers = [number << (BITS - 1 - bit) for bit, number in enumerate(initial)]
        for bit in range(degree, BITS):
            number = numbers[bit - degree] ^ (numbers[bit - degree] >> degree)
            for back in range(1, degree):
                if polynomial >> (degree - back) & 1:
                    number ^= numbers[bit - back]
            numbers.append(number)
        found.append(tuple(numbers))
    return tuple(found)


def most_dimensions() -> int:
    return len(_directions())


def point(number: int, dimensions: int) -> list[int]:
    """The `number`-th point, from 0 on: in each dimension the first 32 bits behind the point."""
    gray = number ^ (number >> 1)
    bits = [bit for bit in range(gray.bit_length()) if gray >> bit & 1]
    found = []
    for directions in _directions()[:dimensions]:
        place = 0
        for bit in bits:
            place ^= directions[bit]
        found.append(place)
    return found


def units(number: int, dimensions: int, seed: int) -> list[float]:
    """The point in [0, 1), scrambled: in each dimension the bits that `seed` gives are flipped."""
    spread = _UNIT_BITS - BITS
    return [
        ((place << spread) ^ shift) * 2.0**-_UNIT_BITS
        for place, shift in zip(point(number, dimensions), _shifts(seed, dimensions), strict=True)
    ]


@lru_cache(maxsize=256)
def _shifts(seed: int, dimensions: int) -> tuple[int, ...]:
    return tuple(
        int.from_bytes(blake2b(f"sobol {seed} {dimension}".encode(), digest_size=8).digest(), "big")
        >> (64 - _UNIT_BITS)
        for dimension in range(dimensions)
    )
