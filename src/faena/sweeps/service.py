"""Use cases of sweeps: begin one, look at it, change it, give it trials."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from faena.db import Read, Write
from faena.kernel import ids
from faena.kernel.clock import Micros
from faena.kernel.errors import Conflict, UserErrorException
from faena.kernel.tag_rules import check_marks
from faena.runs import inputs, transitions
from faena.runs import service as runs
from faena.runs import store as run_rows
from faena.runs.model import HYPERDRIVE, Run, RunStatus, git_text
from faena.runs.schemas import Submission
from faena.sweeps import journal, ledger, measuring, store
from faena.sweeps.checks import check, check_change
from faena.sweeps.endings import Streak
from faena.sweeps.model import Sweep, SweepState, Trial, TrialState
from faena.sweeps.schemas import GivenTrials, SweepChange, SweepRequest, SweepView, TrialView
from faena.workspaces import store as workspaces

_MINUTE = 60_000_000
_LONGEST_SUFFIX = len("_99999_again9")


def begin(
    write: Write,
    sweep_id: str,
    asked: SweepRequest,
    now: Micros,
    ready: tuple[str, str] | None = None,
) -> Run:
    """Accept a sweep and issue its first trials; the same request again gives the same sweep.

    `ready`: lock and interpreter of the environment of its trials, where that is there.

    Raises Conflict when the id belongs to another run, and what is wrong with the sweep otherwise.
    """
    ids.check_run_id(sweep_id + "x" * _LONGEST_SUFFIX)
    experiment = ids.check_experiment_name(asked.submission.experiment)
    submission = msgspec.structs.replace(asked.submission, experiment=experiment)
    space = check(asked.spec)
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
    ledger.fill(write, sweep, now)
    write.notify(ledger.SWEEPS)
    return run


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
    best = next(iter(ranked(read, sweep, 1)), None)
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
    goal = sweep.spec.objectives[0].goal
    ended = store.page(read, sweep.run_id, limit=most, order=store.by_value(goal))
    going = store.in_state(read, sweep.run_id, TrialState.OPEN)
    known = {trial.number: trial for trial in [*ended, *going]}
    sign = -1 if goal == "maximize" else 1

    def place(shown: TrialView) -> tuple[bool, float, int]:
        value = shown.value
        return (value is None, 0.0 if value is None else sign * value, shown.number)

    return sorted(show(read, sweep, list(known.values())), key=place)[:most]


def show(read: Read, sweep: Sweep, found: Sequence[Trial]) -> list[TrialView]:
    statuses = store.statuses(read, [trial.run_id for trial in found if trial.run_id is not None])
    return [
        _show(read, sweep, trial, statuses.get(trial.run_id or "", trial.status or "")) for trial in found
    ]


def _show(read: Read, sweep: Sweep, trial: Trial, status: str) -> TrialView:
    measured = (
        trial.metrics if trial.state is not TrialState.OPEN else measuring.measure(read, sweep.spec, trial)
    )
    return TrialView(
        number=trial.number,
        run_id=trial.run_id,
        state=trial.state.value,
        status=status or "Waiting",
        parameters=trial.parameters,
        value=measured[0] if measured else None,
        metrics=list(measured),
        intervals=trial.reached.interval,
        source=trial.source.value,
        tries=trial.tries,
        stopped="" if trial.decision is None else trial.decision.text,
    )


def change(write: Write, sweep_id: str, asked: SweepChange, now: Micros) -> None:
    """Raises Conflict for a sweep that has ended, and what is wrong with the change."""
    _, sweep = get(write, sweep_id)
    _refuse_ended(sweep, "changed")
    check_change(sweep, asked)
    given = {
        name: value
        for name in ("max_total_runs", "max_concurrent_runs", "max_duration_minutes", "space", "constraints")
        if (value := getattr(asked, name)) is not None
    }
    spec = msgspec.structs.replace(sweep.spec, **given)
    changes: dict[str, object] = {"spec": spec}
    if asked.max_duration_minutes is not None:
        changes["deadline"] = now + int(asked.max_duration_minutes * _MINUTE)
    if asked.space is not None or asked.constraints is not None:
        check(spec)
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
