"""What was asked for of a sweep, by options or in a file, and the words in which that is spoken of."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from faena.cli.command import Unreadable
from faena.kernel.errors import TrainingException, UserErrorException

if TYPE_CHECKING:
    from faena.sweeps.schemas import Policy

WEEK = 10080.0
"""Minutes: no sweep takes longer."""
_OURS = {
    "max_total_runs": "trials",
    "max_concurrent_runs": "at_once",
    "max_duration_minutes": "max_minutes",
    "primary_metric_name": "metric",
    "population_size": "population",
    "retries of node_lost": "retry_node_lost",
    "retries of out_of_memory": "retry_out_of_memory",
    "retries of failed": "retry_failed",
    "fail_fast=False": "--no-fail-fast",
    "fail_fast=True": "--fail-fast",
}
"""What messages of handles call something, and what it is called here."""


@dataclass(frozen=True, slots=True)
class SweepOptions:
    """As they were given; names are those of the options."""

    space: dict[str, Any]
    """In v1's form."""
    constraints: tuple[str, ...]
    metric: str | None
    goal: str
    metrics: dict[str, str]
    metric_constraints: tuple[str, ...]
    sampling: str
    model: str
    seed: int | None
    population: int | None
    checkpoint_argument: str | None
    quantile_fraction: float | None
    resample_probability: float | None
    perturbation_factors: tuple[float, float] | None
    policy: str | Policy | None
    trials: int | None
    at_once: int | None
    max_minutes: float | None
    value: str | None
    repeats: int
    stop_at: float | None
    patience: int | None
    fail_fast: bool
    retry_node_lost: int
    retry_out_of_memory: int
    retry_failed: int
    keep_outputs: int | None
    resume_from: tuple[str, ...]
    resume_child_runs: tuple[str, ...]


def in_our_words(message: str) -> str:
    """What a handle or the server says, by the names of options."""
    for theirs, ours in _OURS.items():
        message = message.replace(theirs, ours)
    return message


@contextmanager
def readable(field: str = "") -> Iterator[None]:
    """Around what makes a description of what was given: what is wrong with it is an error of the command line."""
    try:
        yield
    except (UserErrorException, TrainingException, ValueError) as error:
        message = in_our_words(
            str(getattr(error, "message", "") or error).removeprefix("UserErrorException: ")
        )
        word, _, rest = message.partition(" ")
        if word in SweepOptions.__slots__:
            raise Unreadable(f"--{word.replace('_', '-')} {rest}", word) from None
        raise Unreadable(f"{message[:1].upper()}{message[1:]}", field) from None
