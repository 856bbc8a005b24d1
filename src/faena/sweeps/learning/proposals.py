"""What the models have in common: what they learn of a trial, and what they propose for the next one."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from faena.sweeps.learning.messages import Told, is_finite
from faena.sweeps.space import Dimension, Point

_LARGEST = 1e150
"""Its square is a number, too, which samplers need that compute a scale."""


class Proposal(Struct, frozen=True):
    """Where a model would have the next trial."""

    params: dict[str, float]
    attributes: bytes = b""
    """What comes with it, to be kept with the trial."""


class Model(Protocol):
    """What a sweep has learned so far."""

    def put(self, told: Told, point: Point) -> None:
        """A trial that is not known, and where it lies."""

    def forget(self, number: int) -> None:
        """The trial of that number, where it is known."""

    def proposal(self, number: int, attempt: int) -> Proposal:
        """For that trial, of which itself nothing is learned; another one for each attempt."""

    def note(self, number: int) -> str | None:
        """What the reader of the sweep should know of that draw."""


def seed(of_sweep: int, number: int, attempt: int) -> int:
    """One per draw: a fixed one would repeat itself, since nothing else is kept between draws."""
    text = f"{of_sweep}/{number}/{attempt}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") & 0x7FFFFFFF


def groups(dimensions: Sequence[Dimension]) -> list[list[Dimension]]:
    """Dimensions that are active together, parents before children: Optuna's `group`, which we know beforehand."""
    found: dict[tuple[str, int] | None, list[Dimension]] = {}
    for dimension in dimensions:
        found.setdefault(dimension.branch, []).append(dimension)
    return list(found.values())


def within(dimension: Dimension, value: float) -> float:
    value = min(max(value, dimension.low), dimension.high)
    return float(value) if dimension.kind == "float" else round(value)


def results_of(told: Told, objectives: int) -> list[float] | None:
    """None where any of them is missing or none that can be learned from."""
    results = finite(told.results)
    return bounded(results) if results is not None and len(results) == objectives else None


def bounded(results: Sequence[float]) -> list[float]:
    return [min(max(value, -_LARGEST), _LARGEST) for value in results]


def finite(results: Sequence[float | None]) -> list[float] | None:
    """None where any of them is none: infinity would become the best or spoil the scale."""
    found = [value for value in results if value is not None and is_finite(value)]
    return found if found and len(found) == len(results) else None
