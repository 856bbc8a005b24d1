"""What of a sweep's description cannot be meant: refused before anything of it is kept, by client and server alike."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from faena.kernel.errors import UserErrorException
from faena.sweeps import metric_constraints, policies, populations, samplings
from faena.sweeps.learning import extras
from faena.sweeps.schemas import LONGEST_MINUTES, SweepSpec
from faena.sweeps.space import Space

if TYPE_CHECKING:
    from faena.sweeps.model import Sweep
    from faena.sweeps.schemas import SweepChange

MOST_TRIALS = 1_000_000
MOST_AT_ONCE = 10_000
MOST_OBJECTIVES = 10


def check(spec: SweepSpec) -> Space:
    """The space, if all is well. Raises UserErrorException that names the field, or the parameter of the space."""
    _whole("max_total_runs", spec.max_total_runs, MOST_TRIALS)
    _whole("max_concurrent_runs", spec.max_concurrent_runs, MOST_AT_ONCE)
    _whole("repeats", spec.repeats, 1000)
    if spec.keep_outputs is not None:
        _whole("keep_outputs", spec.keep_outputs, MOST_TRIALS)
    if spec.patience is not None:
        _whole("patience", spec.patience, MOST_TRIALS)
    minutes = spec.max_duration_minutes
    if not (math.isfinite(minutes) and 0 < minutes <= LONGEST_MINUTES):
        raise UserErrorException(
            f"max_duration_minutes is {minutes:g}. Use more than 0 and {LONGEST_MINUTES:g} at most, which is a week."
        )
    if spec.stop_at is not None and not math.isfinite(spec.stop_at):
        raise UserErrorException(f"stop_at is {spec.stop_at:g}. Use a finite number.")
    for name in ("node_lost", "out_of_memory", "failed"):
        count = getattr(spec.retries, name)
        if not 0 <= count <= 100:
            raise UserErrorException(f"retries of {name} is {count}. Use 0 to 100.")
    _check_objectives(spec)
    policies.check(spec.policy)
    metric_constraints.parse_all(spec.metric_constraints)
    space = Space.parse(spec.space, spec.constraints)
    samplings.check(space, spec.sampling)
    populations.check(spec)
    extras.check(spec.sampling, len(space.dimensions), len(spec.objectives))
    return space


def _check_objectives(spec: SweepSpec) -> None:
    names = [objective.name for objective in spec.objectives]
    if not 1 <= len(names) <= MOST_OBJECTIVES:
        raise UserErrorException(
            f"{len(names)} metrics cannot be tuned for. Name the primary metric, and {MOST_OBJECTIVES} at most."
        )
    for name in names:
        if not name or len(name) > 255 or "\0" in name:
            raise UserErrorException(
                f"primary_metric_name is {name[:80]!a}. Use the name under which the script logs it."
            )
    if len(set(names)) < len(names):
        raise UserErrorException(f"The metric {max(names, key=names.count)!r} was named twice.")


def check_change(sweep: Sweep, asked: SweepChange) -> None:
    """Raises UserErrorException."""
    if asked.max_total_runs is not None:
        _whole("max_total_runs", asked.max_total_runs, MOST_TRIALS)
        if asked.max_total_runs < sweep.issued:
            raise UserErrorException(
                f"max_total_runs is {asked.max_total_runs}, and sweep {sweep.run_id} has {sweep.issued} trials already."
            )
    if asked.max_concurrent_runs is not None:
        _whole("max_concurrent_runs", asked.max_concurrent_runs, MOST_AT_ONCE)
    minutes = asked.max_duration_minutes
    if minutes is not None and not (math.isfinite(minutes) and 0 < minutes <= LONGEST_MINUTES):
        raise UserErrorException(
            f"max_duration_minutes is {minutes:g}. Use more than 0 and {LONGEST_MINUTES:g} at most."
        )


def _whole(name: str, value: int, most: int) -> None:
    if not 1 <= value <= most:
        raise UserErrorException(f"{name} is {value}. Use 1 to {most:,}.")
