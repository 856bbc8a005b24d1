"""Use cases of sweeps: begin one, look at it, change it, give it trials."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec

from faena.db import Read, Write
from faena.kernel import ids
from faena.kernel.clock import Micros
from faena.kernel.errors import Conflict, NotFound, UserErrorException
from faena.kernel.tag_rules import check_marks
from faena.runs import inputs, transitions
from faena.runs import service as runs
from faena.runs import store as run_rows
from faena.runs.model import HYPERDRIVE, Run, RunStatus, git_text
from faena.runs.schemas import Submission
from faena.sweeps import journal, ledger, measuring, ranking, store
from faena.sweeps.arguments import digest_of
from faena.sweeps.checks import check_change
from faena.sweeps.endings import Streak
from faena.sweeps.model import Source, Sweep, SweepState, Trial, TrialState
from faena.sweeps.progress import Reached
from faena.sweeps.records import SweepRecord, TrialRecord
from faena.sweeps.schemas import (
    AdoptedRuns,
    GivenTrials,
    SweepChange,
    SweepRequest,
    SweepSpec,
    SweepView,
    TrialView,
)
from faena.sweeps.space import Point, Space
from faena.workspaces import store as workspaces

_MINUTE = 60_000_000
_FEW = 20
"""Of the best trials, among which one is not deleted."""
_LONGEST_SUFFIX = len("_99999_again9")


def begin(
    write: Write,
    sweep_id: str,
    asked: SweepRequest,
    space: Space,
    now: Micros,
    ready: tuple[str, str] | None = None,
) -> Run:
    """Accept a sweep, whose `space` was checked, and issue its first trials; the same request again changes nothing.

    `ready`: lock and interpreter of the environment of its trials, where that is there.

    Raises Conflict when the id belongs to another run, and what is wrong with the sweep otherwise.
    """
    ids.check_run_id(sweep_id + "x" * _LONGEST_SUFFIX)
    experiment = ids.check_experiment_name(asked.submission.experiment)
    submission = msgspec.structs.replace(asked.submission, experiment=experiment)
    if existing := run_rows.get(write, sweep_id):
        if existing.type != HYPERDRIVE or existing.submission != msgspec.json.encode(submission):
            raise Conflict(f"Run {sweep_id} exists already and is another one. Use a new id.")
        return existing
    runs.check(write, submission)
    inputs.accept(write, submission.inputs, now)
    run = _run(write, sweep_id, submission, now)
    lock, python = ready or (None, None)
    sweep = Sweep(
        run_id=sweep_id,
        spec=asked.spec,
        space=space,
        submission=trials_submission(submission),
        state=SweepState.RUNNING,
        revision=0,
        position=0,
        issued=0,
        exhausted=False,
        deadline=now + int(asked.spec.max_duration_minutes * _MINUTE),
        lock=lock,
        python=python,
        streak=Streak(),
        changes=0,
        told="",
        reason="",
    )
    store.add(write, sweep)
    journal.created(write, sweep, now)
    sweep = _resumed(write, sweep)
    ledger.fill(write, sweep, now)
    write.notify(ledger.SWEEPS)
    return run


def _resumed(write: Write, sweep: Sweep) -> Sweep:
    """With the trials of the sweeps that it goes on from, and those that it is to try again."""
    for other in sweep.spec.resume_from:
        _, before = get(write, other)
        ended = [trial for trial in store.page(write, before.run_id) if trial.state is TrialState.ENDED]
        again = set(sweep.spec.resume_child_runs)
        placed = [
            (trial, point)
            for trial in ended
            if trial.run_id not in again and (point := sweep.space.locate(trial.parameters)) is not None
        ]
        ledger.adopt(write, sweep, placed)
    points = []
    for run_id in sweep.spec.resume_child_runs:
        trial = store.trial_of_run(write, run_id)
        if trial is None:
            raise NotFound(f"Run {run_id[:300]!r} is no trial of a sweep, and cannot be tried again by one.")
        points.append(sweep.space.require(trial.parameters))
    if points:
        ledger.give(write, sweep, points)
    return store.get(write, sweep.run_id) or sweep


def adopt(write: Write, sweep_id: str, asked: AdoptedRuns) -> list[TrialView]:
    """Runs that ended are trials of the sweep from now on, as far as it knows and learns.

    Raises UserErrorException for a run that has not ended or whose arguments are not in the space.
    """
    _, sweep = get(write, sweep_id)
    found: list[tuple[Trial, Point]] = []
    given = run_rows.list_parameters(write, list(asked.runs))
    wanted = set(sweep.space.parameters)
    for run_id in asked.runs:
        run = runs.get(write, run_id)
        if run.ended_at is None:
            raise UserErrorException(
                f"Run {run_id} goes on ({run.shown_status}). Take it in when it has ended."
            )
        named = {name: value for name, value in given[run_id].items() if name in wanted}
        point = sweep.space.require(named)
        trial = replace(ledger.new_trial(sweep, point), run_id=run_id, status=run.status.value)
        measured = measuring.measure(write, sweep.spec, trial)
        allowed = measuring.is_allowed(write, sweep, trial)
        found.append((replace(trial, value=measured[0], metrics=measured, allowed=allowed), point))
    ledger.adopt(write, sweep, found)
    numbers = store.page(write, sweep_id, limit=len(found))
    write.notify(ledger.SWEEPS)
    return show(write, sweep, list(numbers))


def rerun_failed(write: Write, sweep_id: str, now: Micros) -> list[TrialView]:
    """Try those trials of a sweep that goes on again which have failed."""
    _, sweep = get(write, sweep_id)
    _refuse_ended(sweep, "given trials again")
    failed = store.ended_in(write, sweep_id, RunStatus.FAILED)
    ledger.run_again(write, sweep, failed, now)
    fresh = [trial for each in failed if (trial := store.trial(write, sweep_id, each.number)) is not None]
    return show(write, sweep, fresh)


def trials_submission(submission: Submission) -> Submission:
    """What each trial is submitted with: tags and name are the sweep's own."""
    return msgspec.structs.replace(submission, tags={}, name="")


def _run(write: Write, sweep_id: str, submission: Submission, now: Micros) -> Run:
    check_marks("tag", submission.tags)
    run = Run(
        id=sweep_id,
        experiment=submission.experiment,
        number=workspaces.number_of_new_run(write, submission.experiment, now),
        status=RunStatus.RUNNING,
        version=1,
        user=submission.user,
        cluster=submission.cluster,
        node_count=submission.node_count,
        snapshot=submission.snapshot,
        submission=msgspec.json.encode(submission),
        created_at=now,
        started_at=now,
        parent=submission.parent,
        type=HYPERDRIVE,
        gpu=submission.gpu,
        name=submission.name or None,
        commit=git_text(submission.git, "commit", 64),
        branch=git_text(submission.git, "branch"),
    )
    runs.add(write, run, submission.tags, submission.properties)
    transitions.notify(write, run)
    return run


def get(read: Read, sweep_id: str) -> tuple[Run, Sweep]:
    """Raises NotFound, and Conflict for a run that is no sweep."""
    run = runs.get(read, sweep_id)
    found = store.get(read, sweep_id)
    if found is None:
        raise Conflict(f"Run {sweep_id} is no sweep: it is of type {run.type!r}.")
    return run, found


def view(read: Read, sweep_id: str) -> SweepView:
    run, sweep = get(read, sweep_id)
    best = next((trial for trial in ranked(read, sweep, _FEW) if trial.status != "Deleted"), None)
    return SweepView(
        id=run.id,
        experiment=run.experiment,
        status=run.shown_status,
        state=sweep.state.value,
        spec=sweep.spec,
        trials=sweep.issued,
        counts=store.counts(read, sweep_id),
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
    return show(read, sweep, list(store.page(read, sweep_id, offset=offset, limit=limit)))


def ranked(read: Read, sweep: Sweep, most: int) -> list[TrialView]:
    """The best trials, those that go on among them with what they have come to so far."""
    if sweep.spec.repeats > 1:
        return _ranked_by_mean(read, sweep, most)
    goal = sweep.spec.objectives[0].goal
    ended = store.page(read, sweep.run_id, limit=most, order=store.by_value(goal))
    known = {trial.number: trial for trial in [*ended, *store.in_state(read, sweep.run_id, TrialState.OPEN)]}
    shown = show(read, sweep, list(known.values()))
    results = [ranking.Result(each.number, (each.value,), is_allowed=each.allowed) for each in shown]
    views = {each.number: each for each in shown}
    return [views[result.number] for result in ranking.ranked(goal, results)][:most]


def _ranked_by_mean(read: Read, sweep: Sweep, most: int) -> list[TrialView]:
    """Groups of trials with the same parameters by the mean of their values; the best of each group first."""
    goal = sweep.spec.objectives[0].goal
    ended = store.with_values(read, sweep.run_id)
    results = [
        ranking.Result(trial.number, (trial.value,), digest=digest, is_allowed=trial.allowed)
        for trial, digest in ended
    ]
    single = {result.number: result for result in results}
    ordered: list[tuple[int, float | None]] = []
    for group in ranking.ranked(goal, ranking.averaged(results, sweep.spec.repeats)):
        within = ranking.ranked(goal, [single[number] for number in group.numbers])
        ordered += [(result.number, group.values[0]) for result in within]
    rest = [trial for trial in store.page(read, sweep.run_id) if trial.number not in single]
    found = {trial.number: trial for trial in [*(trial for trial, _ in ended), *rest]}
    chosen = [*ordered, *((trial.number, None) for trial in rest)][:most]
    shown = show(read, sweep, [found[number] for number, _ in chosen])
    return [msgspec.structs.replace(each, mean=mean) for each, (_, mean) in zip(shown, chosen, strict=True)]


def show(read: Read, sweep: Sweep, found: Sequence[Trial]) -> list[TrialView]:
    """With the status of their runs as they are now: `Deleted` for one that is not there any more."""
    statuses = store.statuses(read, [trial.run_id for trial in found if trial.run_id is not None])
    return [
        _show(read, sweep, trial, statuses.get(trial.run_id, "Deleted") if trial.run_id else "Waiting")
        for trial in found
    ]


def _show(read: Read, sweep: Sweep, trial: Trial, status: str) -> TrialView:
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
    )


def changed(read: Read, sweep_id: str, asked: SweepChange) -> SweepSpec:
    """What a sweep is to be. Raises Conflict for one that has ended, and what is wrong with the change."""
    _, sweep = get(read, sweep_id)
    _refuse_ended(sweep, "changed")
    check_change(sweep, asked)
    return msgspec.structs.replace(sweep.spec, **_given(asked))


def _given(asked: SweepChange) -> dict[str, Any]:
    names = ("max_total_runs", "max_concurrent_runs", "max_duration_minutes", "space", "constraints")
    return {name: value for name in names if (value := getattr(asked, name)) is not None}


def change(write: Write, sweep_id: str, asked: SweepChange, now: Micros) -> None:
    """As `changed`, of which a new space was checked since that takes long."""
    spec = changed(write, sweep_id, asked)
    _, sweep = get(write, sweep_id)
    given = _given(asked)
    changes: dict[str, object] = {"spec": spec}
    if asked.max_duration_minutes is not None:
        changes["deadline"] = now + int(asked.max_duration_minutes * _MINUTE)
    if asked.space is not None or asked.constraints is not None:
        changes |= {"revision": sweep.revision + 1, "position": 0, "exhausted": False}
    if asked.paused is not None:
        changes["state"] = (SweepState.PAUSED if asked.paused else SweepState.RUNNING).value
    store.update(write, sweep_id, **changes)
    told = ", ".join(
        [*given, *(["paused"] if asked.paused else ["resumed"] if asked.paused is False else [])]
    )
    fresh = store.get(write, sweep_id) or sweep
    journal.told(write, fresh, f"The sweep was changed: {told}.", now)
    ledger.fill(write, fresh, now)
    run_rows.update(write, sweep_id, {})
    write.notify(transitions.topic(sweep_id))
    write.notify(ledger.SWEEPS)


def _refuse_ended(sweep: Sweep, what: str) -> None:
    if sweep.state in (SweepState.STOPPING, SweepState.ENDED):
        raise Conflict(
            f"Sweep {sweep.run_id} has ended or is about to, and cannot be {what}. Continue it with a new one: "
            "resume_from=[sweep]."
        )


def give(write: Write, sweep_id: str, asked: GivenTrials, now: Micros) -> list[TrialView]:
    """Trials with given parameters, which come next. Raises UserErrorException for what is not in the space."""
    _, sweep = get(write, sweep_id)
    _refuse_ended(sweep, "given trials")
    points = [sweep.space.require(parameters) for parameters in asked.trials]
    if not points:
        raise UserErrorException("No trial was given. Give a dict of parameters for each.")
    ledger.give(write, sweep, points)
    fresh = store.get(write, sweep_id) or sweep
    ledger.fill(write, fresh, now)
    found = store.page(write, sweep_id, offset=0, order=(store.trials.c.number.desc(),), limit=len(points))
    return show(write, fresh, list(found))[::-1]


def recorded(read: Read, run_id: str) -> SweepRecord | None:
    """All that the ledger knows of a sweep; None for a run that is none."""
    sweep = store.get(read, run_id)
    if sweep is None:
        return None
    trials = tuple(
        TrialRecord(
            number=trial.number,
            run_id=trial.run_id,
            source=trial.source.value,
            tries=trial.tries,
            repeat=trial.repeat,
            parameters=trial.parameters,
            coordinates=trial.coordinates,
            status=trial.status or "",
            metrics=list(trial.metrics),
            allowed=trial.allowed,
            intervals=trial.reached.interval,
            best=trial.reached.best,
            decision=trial.decision,
        )
        for trial in store.page(read, run_id)
        if trial.state is TrialState.ENDED
    )
    return SweepRecord(sweep.spec, sweep.exhausted, sweep.told, trials)


def take(write: Write, run_id: str, submission: Submission, record: SweepRecord) -> None:
    """The ledger of a sweep that ended elsewhere. Raises UserErrorException for one that cannot be read here."""
    space = Space.parse(record.spec.space, record.spec.constraints)
    issued = 1 + max((trial.number for trial in record.trials), default=-1)
    sweep = Sweep(
        run_id=run_id,
        spec=record.spec,
        space=space,
        submission=trials_submission(submission),
        state=SweepState.ENDED,
        revision=0,
        position=0,
        issued=issued,
        exhausted=record.exhausted,
        deadline=0,
        lock=None,
        python=None,
        streak=Streak(),
        changes=0,
        told=record.told,
        reason="",
    )
    store.add(write, sweep)
    found = [
        replace(
            ledger.new_trial(
                sweep, None, number=each.number, state=TrialState.ENDED, source=Source(each.source)
            ),
            run_id=each.run_id,
            tries=each.tries,
            repeat=each.repeat,
            parameters=each.parameters,
            coordinates=each.coordinates,
            status=each.status,
            value=each.metrics[0] if each.metrics else None,
            metrics=tuple(each.metrics),
            allowed=each.allowed,
            reached=Reached(each.intervals, 0, each.best, None),
            decision=each.decision,
        )
        for each in record.trials
    ]
    store.add_trials(write, found, [digest_of(trial.parameters) for trial in found])
