"""Population based training (Jaderberg et al., 2017): how a population goes on. No I/O.

A population of n members is trained in generations: trial k is member k % n in generation k // n. A trial trains for
one interval from the checkpoint that it is given. The next one of a member goes on from there with the same
parameters; of the worst members it goes on from the checkpoint of one of the best (exploit), with parameters beside
those of that one (explore). What is decided is a function of the seed, the trial's number and what the generation
before has come to, so a generation begins when the one before has ended.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec
from msgspec import Struct

from faena.kernel.errors import UserErrorException
from faena.sweeps.arguments import bare, check_name
from faena.sweeps.comparing import is_better, key_of
from faena.sweeps.samplings import random_units
from faena.sweeps.schemas import Goal, Population, SweepSpec
from faena.sweeps.space import Point, Space

MOST_MEMBERS = 1_000
_TRIES = 100
"""Of perturbations, until the constraints allow one."""


class Lineage(Struct, frozen=True, omit_defaults=True):
    """Where a trial comes from, by numbers of trials."""

    parent: int | None = None
    """Whose parameters it has, or from whose they were made; None: it is of the first generation."""
    checkpoint: int | None = None
    """Whose checkpoint it starts from; None: from none."""

    def encoded(self) -> bytes:
        return msgspec.json.encode(self)

    @classmethod
    def decode(cls, attributes: bytes | None) -> Lineage:
        """What a trial has attached."""
        return msgspec.json.decode(attributes, type=cls) if attributes else cls()


@dataclass(frozen=True, slots=True)
class Member:
    """What a member has come to at the end of a generation."""

    number: int
    """Of its trial."""
    score: float | None
    """None where the trial failed, or left no checkpoint: nobody can go on from it."""
    checkpoint: int | None
    """Where its next trial starts if it goes on by itself: the trial's own, or the last good one before."""


def check(spec: SweepSpec) -> None:
    """Raises UserErrorException for a population that cannot be trained."""
    population = spec.sampling.population
    if spec.sampling.kind != "pbt":
        if population is not None:
            raise UserErrorException(f"A population is of pbt, and the sampling is {spec.sampling.kind}.")
        return
    if population is None:
        raise UserErrorException("Population based training needs a population: its size, at least.")
    if not 2 <= population.size <= MOST_MEMBERS:
        raise UserErrorException(f"population is {population.size}. Use 2 to {MOST_MEMBERS:,} members.")
    if spec.max_total_runs < population.size:
        raise UserErrorException(
            f"max_total_runs is {spec.max_total_runs}, and the population has {population.size} members, each of which "
            "has a trial in every generation. Use members times generations."
        )
    check_name(population.checkpoint_argument)
    if bare(population.checkpoint_argument) in Space.parse(spec.space).parameters:
        raise UserErrorException(
            f"checkpoint_argument is {population.checkpoint_argument!r}, which is a parameter of the space, too. "
            "Name the argument that says where checkpoints are."
        )
    _check_numbers(population)
    _check_the_rest(spec)


def _check_numbers(population: Population) -> None:
    if not 0 < population.quantile_fraction <= 0.5:
        raise UserErrorException(
            f"quantile_fraction is {population.quantile_fraction:g}. Use more than 0 and 0.5 at most."
        )
    if not 0 <= population.resample_probability <= 1:
        raise UserErrorException(f"resample_probability is {population.resample_probability:g}. Use 0 to 1.")
    down, up = population.perturbation_factors
    if not (0 < down < 1 < up < math.inf):
        raise UserErrorException(
            f"perturbation_factors are {down:g} and {up:g}. Use one between 0 and 1 and one above 1, such as 0.8, 1.2."
        )


def _check_the_rest(spec: SweepSpec) -> None:
    reasons = {
        "policy": "it replaces the worst trials itself" if spec.policy.kind != "none" else "",
        "repeats": "its trials go on from each other" if spec.repeats > 1 else "",
        "keep_outputs": "the next generation starts from outputs" if spec.keep_outputs is not None else "",
        "resume_from": "its first generation starts from no checkpoint" if spec.resume_from else "",
    }
    for name, why in reasons.items():
        if why:
            raise UserErrorException(
                f"{name} does not go with population based training: {why}. Leave it out."
            )
    if len(spec.resume_child_runs) > (spec.sampling.population or Population(0, "")).size:
        raise UserErrorException(
            "resume_child_runs names more trials than the population has members. Name fewer."
        )


def quantile(population: Population) -> int:
    """How many members are the worst, and how many the best."""
    return min(math.ceil(population.size * population.quantile_fraction), population.size // 2)


def go_on(population: Population, goal: Goal, seed: int, number: int, before: Sequence[Member]) -> Lineage:
    """Where a trial starts. `before`: the generation before, its own member's trial among it.

    Its parent is another member's trial where it is among the worst; one of equal score is no better place to be.
    """
    mine = next(member for member in before if member.number == number - population.size)
    ranked = sorted(before, key=lambda member: (key_of(goal, member.score), member.number))
    count = quantile(population)
    if mine in ranked[-count:]:
        best = [
            member
            for member in ranked[:count]
            if member.score is not None and is_better(goal, member.score, mine.score)
        ]
        if best:
            [unit] = random_units(f"exploit {seed} {number}", 1)
            donor = best[int(unit * len(best))]
            return Lineage(donor.number, donor.checkpoint)
    return Lineage(mine.number, mine.checkpoint)


def explore(
    space: Space, population: Population, seed: int, number: int, coordinates: Mapping[str, float | int]
) -> Point | None:
    """A point beside these coordinates that the constraints allow; None where none was found."""
    count = len(space.dimensions)
    down, up = population.perturbation_factors
    for turn in range(_TRIES):
        units = random_units(f"explore {seed} {number} {turn}", 3 * count)
        resampled, directions, places = units[:count], units[count : 2 * count], units[2 * count :]
        factors = [
            None if resample < population.resample_probability else down if direction < 0.5 else up
            for resample, direction in zip(resampled, directions, strict=True)
        ]
        point = space.beside(coordinates, places, factors)
        if space.allows(point.values):
            return point
    return None
