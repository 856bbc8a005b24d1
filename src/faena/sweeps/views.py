"""Sweeps and their trials as they are shown, the best of them first where that is asked."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from faena.db import Read
from faena.kernel.errors import Conflict
from faena.runs import service as runs
from faena.runs.model import Run
from faena.sweeps import measuring, ranking, store, trial_changes, trial_runs, trial_store
from faena.sweeps.model import Sweep, SweepState, Trial, TrialState
from faena.sweeps.populations import Lineage
from faena.sweeps.schemas import DELETED, SweepView, TrialView

_FEW = 20
"""Of the best trials, among which one is not deleted."""


def get(read: Read, sweep_id: str) -> tuple[Run, Sweep]:
    """Raises NotFound, and Conflict for a run that is no sweep."""
    run = runs.get(read, sweep_id)
    found = store.get(read, sweep_id)
    if found is None:
        raise Conflict(f"Run {sweep_id} is no sweep: it is of type {run.type!r}.")
    return run, found


def get_unended(read: Read, sweep_id: str, what: str) -> Sweep:
    """As `get`, and raises Conflict for one that has ended, since it cannot be `what`, such as "changed"."""
    _, sweep = get(read, sweep_id)
    refuse_ended(sweep, what)
    return sweep


def refuse_ended(sweep: Sweep, what: str) -> None:
    if sweep.state in (SweepState.STOPPING, SweepState.ENDED):
        raise Conflict(
            f"Sweep {sweep.run_id} has ended or is about to, and cannot be {what}. Continue it with a new one: "
            f"resume_from=[sweep], or on the command line --resume-from {sweep.run_id}."
        )


def view(read: Read, sweep_id: str) -> SweepView:
    run, sweep = get(read, sweep_id)
    best = next((trial for trial in ranked(read, sweep, _FEW) if trial.status != DELETED), None)
    return SweepView(
        id=run.id,
        experiment=run.experiment,
        status=run.shown_status,
        state=sweep.state.value,
        spec=sweep.spec,
        trials=sweep.issued,
        counts=trial_runs.counts(read, sweep_id),
        adopted=trial_runs.count_adopted(read, sweep_id),
        best=best if best is not None and best.value is not None else None,
        deadline=sweep.deadline,
        exhausted=sweep.exhausted,
        told=sweep.told,
    )


def trials(read: Read, sweep_id: str, offset: int, limit: int, *, best_first: bool) -> list[TrialView]:
    """In the order of their numbers, or from the best value to the worst, those without one last."""
    _, sweep = get(read, sweep_id)
    if best_first:
        return ranked(read, sweep, offset + limit)[offset:]
    return show(read, sweep, list(trial_store.page(read, sweep_id, offset=offset, limit=limit)))


def ranked(read: Read, sweep: Sweep, most: int) -> list[TrialView]:
    """The best trials, those that go on among them with what they have come to so far."""
    if sweep.spec.repeats > 1:
        return _ranked_by_mean(read, sweep, most)
    goal = sweep.spec.objectives[0].goal
    ended = trial_store.page(read, sweep.run_id, limit=most, order=trial_store.by_value(goal))
    known = {
        trial.number: trial for trial in [*ended, *trial_store.in_state(read, sweep.run_id, TrialState.OPEN)]
    }
    shown = show(read, sweep, list(known.values()))
    results = [ranking.Result(each.number, (each.value,), is_allowed=each.allowed) for each in shown]
    views = {each.number: each for each in shown}
    return [views[result.number] for result in ranking.ranked(goal, results)][:most]


def _ranked_by_mean(read: Read, sweep: Sweep, most: int) -> list[TrialView]:
    """Groups of trials with the same parameters by the mean of their values; the best of each group first."""
    goal = sweep.spec.objectives[0].goal
    ended = trial_changes.with_values(read, sweep.run_id)
    results = [
        ranking.Result(trial.number, (trial.value,), digest=digest, is_allowed=trial.allowed)
        for trial, digest in ended
    ]
    single = {result.number: result for result in results}
    ordered: list[tuple[int, float | None]] = []
    for group in ranking.ranked(goal, ranking.averaged(results, sweep.spec.repeats)):
        within = ranking.ranked(goal, [single[number] for number in group.numbers])
        ordered += [(result.number, group.values[0]) for result in within]
    rest = [trial for trial in trial_store.page(read, sweep.run_id) if trial.number not in single]
    found = {trial.number: trial for trial in [*(trial for trial, _ in ended), *rest]}
    chosen = [*ordered, *((trial.number, None) for trial in rest)][:most]
    shown = show(read, sweep, [found[number] for number, _ in chosen])
    return [msgspec.structs.replace(each, mean=mean) for each, (_, mean) in zip(shown, chosen, strict=True)]


def show(read: Read, sweep: Sweep, found: Sequence[Trial]) -> list[TrialView]:
    """With the status of their runs as they are now: `Deleted` for one that is not there any more."""
    statuses = trial_runs.statuses(read, [trial.run_id for trial in found if trial.run_id is not None])
    return [
        _show(read, sweep, trial, statuses.get(trial.run_id, DELETED) if trial.run_id else "Waiting")
        for trial in found
    ]


def _show(read: Read, sweep: Sweep, trial: Trial, status: str) -> TrialView:
    population = sweep.spec.sampling.population if trial.number >= 0 else None
    lineage = Lineage() if population is None else Lineage.decode(trial.attributes)
    measured = (
        trial.metrics if trial.state is not TrialState.OPEN else measuring.measure(read, sweep.spec, trial)
    )
    return TrialView(
        number=trial.number,
        run_id=trial.run_id,
        state=trial.state.value,
        status=status,
        parameters=trial.parameters,
        value=measured[0] if measured else None,
        metrics=list(measured),
        intervals=trial.reached.interval,
        source=trial.source.value,
        tries=trial.tries,
        allowed=trial.allowed,
        stopped="" if trial.decision is None else trial.decision.text,
        member=None if population is None else trial.number % population.size,
        parent=lineage.parent,
        checkpoint=lineage.checkpoint,
    )
