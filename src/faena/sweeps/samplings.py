"""Samplings that do not learn: points as pure functions of (seed, position). No I/O.

random   the number in [0, 1) of dimension d is made of 53 bits of BLAKE2b of the seed, the position and d: the same on
         every machine, and with every version of Python
grid     each combination once, the last parameter changing fastest; the seed does not count
sobol    point `position` of Sobol's sequence, scrambled by the seed

Dimensions have their numbers in the order of the space, active or not.
"""

from __future__ import annotations

import math
import struct
from collections import Counter
from collections.abc import Callable, Iterator
from hashlib import blake2b

from faena.kernel.errors import UserErrorException
from faena.sweeps import sobol
from faena.sweeps.constraints import Constraint
from faena.sweeps.schemas import Sampling
from faena.sweeps.space import Point, Space

MOST_DRAWS = 10_000
"""For one point: so many in a row may be taken or not allowed."""
MOST_LOOKED_THROUGH = 100_000
"""Combinations of a grid, for one point."""
_LEAST_DRAWS = 100
_LOOKED_AT = 1_000
"""Points, to say which constraint is to blame."""
_WORDS = 8
_BLOCK = struct.Struct(f">{_WORDS}Q")


def check(space: Space, sampling: Sampling) -> None:
    """Raises UserErrorException where the sampling cannot have the space, or where constraints refuse all of it."""
    _check_kind(space, sampling)
    plain = sampling if sampling.kind in ("grid", "sobol") else Sampling("random", sampling.seed)
    if space.constraints and next_point(space, plain, 0, lambda _: False) is None:
        strictest = _strictest(space, plain.seed)
        raise UserErrorException(
            f"The constraint {strictest.text!r} on {', '.join(sorted(strictest.names))}"
            f"{' and the others together leave' if len(space.constraints) > 1 else ' leaves'} nothing of the space "
            "to try, as far as was looked. Give other bounds, or relax it."
        )


def _strictest(space: Space, seed: int) -> Constraint:
    """Which of the constraints refuses most."""
    counts: Counter[Constraint] = Counter()
    for position in range(_LOOKED_AT):
        values = draw(space, Sampling("random", seed), position).values
        counts.update(space.refusals(values))
    return max(space.constraints, key=counts.__getitem__)


def _check_kind(space: Space, sampling: Sampling) -> None:
    if sampling.kind == "grid":
        space.grid_coordinates(0)
    if sampling.kind == "sobol" and len(space.dimensions) > sobol.most_dimensions():
        raise UserErrorException(
            f"The space has {len(space.dimensions)} dimensions, and Sobol sampling has {sobol.most_dimensions()} at "
            "most. Use random sampling."
        )


def draw(space: Space, sampling: Sampling, position: int) -> Point:
    """The point of that position, from 0 on, taken or not, allowed or not."""
    if position < 0:
        raise UserErrorException(f"Position {position} is below 0.")
    if sampling.kind == "grid":
        return space.grid(position)
    if sampling.kind == "random":
        return space.from_unit(_random(sampling.seed, position, len(space.dimensions)))
    if sampling.kind == "sobol":
        _check_kind(space, sampling)
        if position >= sobol.MOST_POINTS:
            raise UserErrorException(
                f"Sobol sampling has {sobol.MOST_POINTS:,} points, and none is {position}."
            )
        return space.from_unit(sobol.units(position, len(space.dimensions), sampling.seed))
    raise UserErrorException(f"{sampling.kind} sampling learns from trials, its points have no position.")


def next_point(
    space: Space, sampling: Sampling, position: int, is_taken: Callable[[str], bool]
) -> tuple[Point, int] | None:
    """The first point from `position` on that is allowed and whose digest is not taken, and the position after it.

    None where there is none: of a finite space of up to `MOST_LOOKED_THROUGH` combinations for certain, of a larger one
    when so many in a row were taken or not allowed.
    """
    if sampling.kind == "grid":
        return _next_of_grid(space, position, is_taken)
    small = space.size is not None and space.size <= MOST_LOOKED_THROUGH
    draws = min(MOST_DRAWS, max(_LEAST_DRAWS, space.size or 0)) if small else MOST_DRAWS
    for each in range(position, position + draws):
        point = draw(space, sampling, each)
        if space.allows(point.values) and not is_taken(point.digest):
            return point, each + 1
    for index in _shuffled(space.size or 0, sampling.seed) if small else ():
        coordinates = space.grid_coordinates(index)
        if space.allows(space.values_at(coordinates)) and not is_taken((point := space.grid(index)).digest):
            return point, position + draws
    return None


def _next_of_grid(space: Space, position: int, is_taken: Callable[[str], bool]) -> tuple[Point, int] | None:
    """What a constraint refuses whatever the parameters that it is not about is left out in one step."""
    _check_kind(space, Sampling("grid"))
    for _ in range(MOST_LOOKED_THROUGH):
        if position >= (space.size or 0):
            return None
        refusal = next(space.refusals(space.values_at(space.grid_coordinates(position))), None)
        if refusal is not None:
            position = space.after(position, refusal)
            continue
        point = space.grid(position)
        position += 1
        if not is_taken(point.digest):
            return point, position
    return None


def _shuffled(size: int, seed: int) -> Iterator[int]:
    """Each number below `size` once, in an order that the seed gives."""
    start, step = (int(unit * size) for unit in _random(seed, -1, 2))
    step = max(step, 1)
    while math.gcd(step, size) != 1:
        step += 1
    return ((start + number * step) % size for number in range(size))


def _random(seed: int, position: int, dimensions: int) -> list[float]:
    return random_units(f"random {seed} {position}", dimensions)


def random_units(name: str, count: int) -> list[float]:
    """So many numbers in [0, 1), which follow from a name."""
    found: list[float] = []
    for block in range(-(-count // _WORDS)):
        made = blake2b(f"{name} {block}".encode()).digest()
        found += [(word >> 11) * 2.0**-53 for word in _BLOCK.unpack(made)]
    return found[:count]
