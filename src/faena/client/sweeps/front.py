"""The trials of a sweep with several objectives that no other trial is better than."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from faena.client.sweeps.axes import Drawable, drawable, index_of
from faena.kernel.errors import UserErrorException
from faena.sweeps import metric_constraints, ranking
from faena.sweeps.arguments import digest_of
from faena.sweeps.constraints import Constraint
from faena.sweeps.ranking import Result
from faena.sweeps.schemas import SweepSpec, TrialView

Logged = Mapping[str, Mapping[str, float | None]]
"""By run, the last value of each metric that is a number."""


def front(spec: SweepSpec, trials: Sequence[TrialView], logged: Callable[[], Logged]) -> list[TrialView]:
    """See `HyperDriveRun.pareto_front`; of what `results_of` gives."""
    return _front(spec, trials, results_of(spec, trials, logged))


def front_and_refused(
    spec: SweepSpec, trials: Sequence[TrialView], logged: Callable[[], Logged]
) -> tuple[set[int], set[int]]:
    """The numbers of the trials on the front, and of those that do not fulfil the conditions on metrics."""
    results = results_of(spec, trials, logged)
    on = {trial.number for trial in _front(spec, trials, results)}
    return on, {result.number for result in results if not result.is_allowed}


def results_of(spec: SweepSpec, trials: Sequence[TrialView], logged: Callable[[], Logged]) -> list[Result]:
    """`logged` is asked where a condition is on a metric that is no objective."""
    conditions = metric_constraints.parse_all(spec.metric_constraints)
    names = [objective.name for objective in spec.objectives]
    asked = logged() if any(condition.names - set(names) for condition in conditions) else {}
    return [_result(trial, names, conditions, asked) for trial in trials if trial.metrics]


def _front(spec: SweepSpec, trials: Sequence[TrialView], results: list[Result]) -> list[TrialView]:
    if spec.repeats > 1:
        results = ranking.averaged(results, spec.repeats)
    found = ranking.front([objective.goal for objective in spec.objectives], results)
    by_number = {trial.number: trial for trial in trials}
    return [by_number[number] for result in found for number in result.numbers or (result.number,)]


def two_objectives(
    spec: SweepSpec, trials: Sequence[TrialView], x: str | None, y: str | None
) -> tuple[Drawable, Drawable]:
    """Those that are named, or the first two. Raises UserErrorException."""
    if len(spec.objectives) < 2:
        raise UserErrorException(
            f"This sweep tunes for {spec.objectives[0].name!r} alone, so it has no front to show. Use plot_history(), "
            "or give HyperDriveConfig more metrics."
        )
    first = index_of(spec, x)
    others = [objective.name for place, objective in enumerate(spec.objectives) if place != first]
    second = index_of(spec, others[0] if y is None else y)
    if first == second:
        raise UserErrorException(f"x and y are both {y!r}. Give two metrics.")
    names = (spec.objectives[first].name, spec.objectives[second].name)
    return drawable(spec, trials, names[0]), drawable(spec, trials, names[1])


def _result(
    trial: TrialView, names: Sequence[str], conditions: Sequence[Constraint], logged: Logged
) -> Result:
    values = tuple(trial.metrics)
    known = {**logged.get(trial.run_id or "", {}), **dict(zip(names, values, strict=True))}
    return Result(
        trial.number,
        values,
        digest=digest_of(trial.parameters),
        is_allowed=metric_constraints.fulfils(conditions, known),
    )
