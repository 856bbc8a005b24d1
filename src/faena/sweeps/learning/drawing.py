"""A place for the next trial that the constraints allow and no trial has: what a model proposes, or something near."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping

from faena.kernel.errors import UserErrorException
from faena.sweeps.learning.known import Known
from faena.sweeps.learning.messages import Drawn, Exhausted
from faena.sweeps.learning.proposals import Proposal, seed
from faena.sweeps.space import Point, Space

_PROPOSALS = 4
"""A model that proposes what is refused mostly does so again, and at 10,000 trials each proposal takes 0.1 s."""
_NEARBY = 64
_ANYWHERE = 2_000
_GRID = 100_000
"""A space of so many combinations is looked through to its end before it is called exhausted."""


def draw(known: Known, number: int) -> Drawn | Exhausted:
    """Raises UserErrorException where the constraints seem to refuse everything."""
    refused_as_taken = False
    proposed = None
    for attempt in range(_PROPOSALS):
        proposed = known.model.proposal(number, attempt)
        point = known.space.at(proposed.params)
        if not known.space.allows(point.values):
            continue
        if not known.is_taken(point.digest, number):
            return _drawn(known, proposed, point, number)
        refused_as_taken = True
    assert proposed is not None
    chance = random.Random(seed(known.task.sampling.seed, number, _PROPOSALS))
    for point in _others(known.space, proposed.params, chance):
        if not known.space.allows(point.values):
            continue
        if not known.is_taken(point.digest, number):
            return _drawn(known, proposed, point, number)
        refused_as_taken = True
    if refused_as_taken:
        return Exhausted("Every combination of parameters that the constraints allow has a trial already.")
    tried = f"all {known.space.size:,}" if _is_small(known.space) else f"{_ANYWHERE:,}"
    raise UserErrorException(
        f"No trial can be drawn: the constraints refused {tried} combinations of parameters. "
        f"Widen the space or loosen the constraints ({'; '.join(each.text for each in known.space.constraints)})."
    )


def _others(space: Space, params: Mapping[str, float], chance: random.Random) -> Iterator[Point]:
    """Near what was proposed, then anywhere; a small space to its end, from a random place on."""
    for _ in range(_NEARBY):
        if (near := _near(space, params, chance)) is not None:
            yield near
    if _is_small(space):
        assert space.size is not None
        start = chance.randrange(space.size)
        for step in range(space.size):
            yield space.grid((start + step) % space.size)
        return
    for _ in range(_ANYWHERE):
        yield space.from_unit([chance.random() for _ in space.dimensions])


def _near(space: Space, params: Mapping[str, float], chance: random.Random) -> Point | None:
    """One parameter drawn anew; None where that opens or shuts a branch, which takes others along."""
    name = chance.choice(sorted(params))
    dimension = next(each for each in space.dimensions if each.name == name)
    value: float
    if dimension.kind == "float":
        value = chance.uniform(dimension.low, dimension.high)
    else:
        value = chance.randint(int(dimension.low), int(dimension.high))
    try:
        return space.at({**params, name: value})
    except UserErrorException:
        return None


def _is_small(space: Space) -> bool:
    return space.size is not None and space.size <= _GRID


def _drawn(known: Known, proposed: Proposal, point: Point, number: int) -> Drawn:
    return Drawn(point.coordinates, proposed.attributes, known.model.note(number))
