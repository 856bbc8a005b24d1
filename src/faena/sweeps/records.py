"""A sweep's ledger as it is written down with an exported run."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct

from faena.sweeps.rules import Decision
from faena.sweeps.schemas import SweepSpec


class TrialRecord(Struct, frozen=True, forbid_unknown_fields=True):
    """A trial that ended, in an exported sweep."""

    number: int
    run_id: str | None
    source: Literal["sampled", "given", "adopted"]
    tries: int
    repeat: int
    parameters: dict[str, Any]
    coordinates: dict[str, float | int]
    status: str
    metrics: list[float | None]
    allowed: bool
    intervals: int
    best: float | None
    decision: Decision | None
    parent: int | None = None
    """Of a population: the trial that it goes on from."""
    checkpoint: int | None = None
    """Of a population: the trial whose checkpoint it started from."""


class SweepRecord(Struct, frozen=True, forbid_unknown_fields=True):
    """What the ledger knows of a sweep, in an exported run."""

    spec: SweepSpec
    exhausted: bool
    told: str
    trials: tuple[TrialRecord, ...]
