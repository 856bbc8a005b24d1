"""Wire types of sweeps."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Goal = Literal["maximize", "minimize"]


class Objective(Struct, frozen=True, forbid_unknown_fields=True):
    """A metric that a sweep tunes for, and which way is better."""

    name: str
    goal: Goal


class Sampling(Struct, frozen=True, forbid_unknown_fields=True):
    """How a sweep chooses the parameters of its next trial."""

    kind: Literal["random", "grid", "sobol", "bayesian", "cmaes"]
    seed: int = 0
    model: Literal["tpe", "gp"] = "tpe"
    """What `bayesian` learns with."""


class Policy(Struct, frozen=True, forbid_unknown_fields=True):
    """When a trial that falls behind is stopped. An interval is one logged value of the primary metric."""

    kind: Literal["none", "bandit", "median", "truncation", "asha", "hyperband"] = "none"
    evaluation_interval: int = 1
    """Trials are judged at its multiples, from `delay_evaluation` on."""
    delay_evaluation: int = 0
    slack_factor: float | None = None
    """Bandit: by how much a trial may be behind the best, as a ratio."""
    slack_amount: float | None = None
    """Bandit: the same as an amount."""
    truncation_percentage: int | None = None
    """Truncation: so many percent of the trials, the worst, are stopped at each interval."""
    exclude_finished: bool = False
    """Truncation: trials that ended are not counted."""
    reduction_factor: int = 3
    """ASHA, Hyperband: one of so many goes on from each rung."""
    min_interval: int = 1
    """ASHA, Hyperband: the first rung."""
    max_interval: int | None = None
    """Hyperband: how many intervals a trial runs at most."""
    stop_on_nan: bool = False
    """A trial that logs a value which is not a finite number is stopped."""
