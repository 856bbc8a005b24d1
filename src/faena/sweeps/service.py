"""Use cases of sweeps: begin one, give it trials, have it know some. How it is changed: `changing`."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from faena.db import Read, Write
from faena.environments.model import Lock
from faena.kernel import ids
from faena.kernel.clock import Micros
from faena.kernel.errors import Conflict, NotFound, UserErrorException
from faena.kernel.plural import counted
from faena.kernel.tag_rules import check_marks
from faena.runs import inputs, package_dates, record_store, repeats, transitions
from faena.runs import service as runs
from faena.runs import store as run_rows
from faena.runs.model import HYPERDRIVE, Run, RunStatus, git_text
from faena.runs.submission_schemas import Submission
from faena.sweeps import (
    beginnings,
    issuing,
    journal,
    ledger,
    measuring,
    store,
    trial_runs,
    trial_store,
    views,
)
from faena.sweeps.arguments import digest_of
from faena.sweeps.checks import MOST_TRIALS
from faena.sweeps.endings import Streak
from faena.sweeps.model import Sweep, SweepState, Trial, TrialState, trials_submission
from faena.sweeps.schemas import (
    AdoptedRuns,
    GivenTrials,
    SweepRequest,
    SweepSpec,
    TrialView,
)
from faena.sweeps.space import Point, Space
from faena.workspaces import store as workspaces

_MINUTE = 60_000_000
_MOST_TOGETHER = 1_000
"""Trials or runs in one request, as all of them are written in one transaction."""
_LONGEST_REQUEST = 64
_LONGEST_SUFFIX = len("_99999_again9")


def begin(
    write: Write,
    sweep_id: str,
    asked: SweepRequest,
    space: Space,
    now: Micros,
    ready: tuple[str, str] | None = None,
    lock_found: Lock | None = None,
) -> Run:
    """Accept a sweep, whose `space` was checked, and issue its first trials; the same request again changes nothing.

    `ready`: lock and interpreter of the environment of its trials, where that is there, which `lock_found` is.

    Raises Conflict when the id belongs to another run, and what is wrong with the sweep otherwise.
    """
    ids.check_run_id(sweep_id + "x" * _LONGEST_SUFFIX)
    experiment = ids.check_experiment_name(asked.submission.experiment)
    submission = msgspec.structs.replace(asked.submission, experiment=experiment)
    if existing := run_rows.get(write, sweep_id):
        _refuse_other(write, existing, asked.spec, submission)
        return existing
    runs.check(write, submission)
    inputs.accept(write, submission.inputs, now)
    run = _run(write, sweep_id, submission, now)
    if lock_found is not None:
        package_dates.note(write, run.id, submission.environment, lock_found)
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
    write.notify(issuing.SWEEPS)
    return run


def _refuse_other(read: Read, existing: Run, spec: SweepSpec, submission: Submission) -> None:
    """Raises Conflict where the id belongs to something else; a sweep that was changed since is as it was begun."""
    before = msgspec.json.decode(existing.submission, type=Submission)
    pairs: list[tuple[msgspec.Struct, msgspec.Struct]] = [(before, submission)]
    sweep = store.get(read, existing.id)
    if sweep is not None and not beginnings.was_begun_as(read, existing.id, spec):
        pairs.append((sweep.spec, spec))
    repeats.refuse_other(existing, HYPERDRIVE, *pairs)


def _resumed(write: Write, sweep: Sweep) -> Sweep:
    """With the trials of the sweeps that it goes on from, and those that it is to try again."""
    if sweep.run_id in sweep.spec.resume_from:
        raise UserErrorException(f"Sweep {sweep.run_id} cannot go on from itself. Give it an id of its own.")
    for other in dict.fromkeys(sweep.spec.resume_from):
        _, before = views.get(write, other)
        ended = [trial for trial in trial_store.page(write, before.run_id) if trial.state is TrialState.ENDED]
        again = set(sweep.spec.resume_child_runs)
        placed = [
            (trial, point)
            for trial in ended
            if trial.run_id not in again and (point := sweep.space.locate(trial.parameters)) is not None
        ]
        issuing.adopt(write, sweep, placed)
    points = []
    for run_id in dict.fromkeys(sweep.spec.resume_child_runs):
        trial = trial_store.trial_of_run(write, run_id)
        if trial is None:
            raise NotFound(f"Run {run_id[:300]!r} is no trial of a sweep, and cannot be tried again by one.")
        points.append(sweep.space.require(trial.parameters))
    if points:
        issuing.give(write, sweep, points)
    return store.get(write, sweep.run_id) or sweep


def adopt(write: Write, sweep_id: str, asked: AdoptedRuns) -> list[TrialView]:
    """Runs that ended are trials of the sweep from now on, as far as it knows and learns.

    Raises UserErrorException for a run that has not ended or whose arguments are not in the space.
    """
    _, sweep = views.get(write, sweep_id)
    _refuse_many("runs", len(asked.runs))
    found: list[tuple[Trial, Point]] = []
    given = record_store.list_parameters(write, list(asked.runs))
    wanted = set(sweep.space.parameters)
    for run_id in dict.fromkeys(asked.runs):
        run = runs.get(write, run_id)
        if run.type == HYPERDRIVE:
            raise UserErrorException(
                f"Run {run_id} is a sweep. Take in its trials, or begin a new sweep with resume_from=[sweep]."
            )
        if run.ended_at is None:
            raise UserErrorException(
                f"Run {run_id} goes on ({run.shown_status}). Take it in when it has ended."
            )
        named = {name: value for name, value in given[run_id].items() if name in wanted}
        point = sweep.space.require(named)
        trial = replace(issuing.new_trial(sweep, point), run_id=run_id, status=run.status.value)
        measured = measuring.measure(write, sweep.spec, trial)
        allowed = measuring.is_allowed(write, sweep, trial)
        found.append((replace(trial, value=measured[0], metrics=measured, allowed=allowed), point))
    issuing.adopt(write, sweep, found)
    write.notify(issuing.SWEEPS)
    return views.show(write, sweep, trial_store.of_runs(write, sweep_id, list(dict.fromkeys(asked.runs))))


def rerun_failed(write: Write, sweep_id: str, now: Micros) -> list[TrialView]:
    """Try those trials of a sweep that goes on again which have failed."""
    sweep = views.get_unended(write, sweep_id, "given trials again")
    failed = trial_runs.ended_in(write, sweep_id, RunStatus.FAILED)
    ledger.run_again(write, sweep, failed, now)
    fresh = [
        trial for each in failed if (trial := trial_store.trial(write, sweep_id, each.number)) is not None
    ]
    return views.show(write, sweep, fresh)


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


def give(write: Write, sweep_id: str, asked: GivenTrials, now: Micros) -> list[TrialView]:
    """Trials with given parameters, which come next. Raises UserErrorException for what is not in the space."""
    _, sweep = views.get(write, sweep_id)
    if asked.request and (known := trial_store.given_by(write, sweep_id, asked.request)):
        _refuse_other_trials(sweep, asked, known)
        return views.show(write, sweep, known)
    views.refuse_ended(sweep, "given trials")
    _refuse_many("trials", len(asked.trials))
    if len(asked.request) > _LONGEST_REQUEST:
        raise UserErrorException(f"request has more than {_LONGEST_REQUEST} characters. Give a shorter one.")
    if sweep.issued + len(asked.trials) > MOST_TRIALS:
        raise UserErrorException(
            f"Sweep {sweep_id} would have more than {MOST_TRIALS:,} trials. Begin a new one."
        )
    population = sweep.spec.sampling.population
    if population is not None and sweep.issued + len(asked.trials) > population.size:
        raise UserErrorException(
            f"Sweep {sweep_id} trains a population of {population.size}, whose trials go on from each other: only the "
            f"first generation can be given trials, and {sweep.issued} of it are there."
        )
    points = [sweep.space.require(parameters) for parameters in asked.trials]
    if not points:
        raise UserErrorException("No trial was given. Give a dict of parameters for each.")
    issuing.give(write, sweep, points, asked.request or None)
    fresh = store.get(write, sweep_id) or sweep
    ledger.fill(write, fresh, now)
    found = trial_store.page(
        write, sweep_id, offset=0, order=(trial_store.trials.c.number.desc(),), limit=len(points)
    )
    return views.show(write, fresh, list(found))[::-1]


def _refuse_other_trials(sweep: Sweep, asked: GivenTrials, known: Sequence[Trial]) -> None:
    """Raises Conflict where the same request gave other parameters before."""
    points = [sweep.space.locate(parameters) for parameters in asked.trials]
    digests = [
        digest_of(parameters) if point is None else point.digest
        for point, parameters in zip(points, asked.trials, strict=True)
    ]
    if digests != [digest_of(trial.parameters) for trial in known]:
        raise Conflict(
            f"The request {asked.request} gave sweep {sweep.run_id} {counted(len(known), 'trial')} with other "
            "parameters before. Use a new request id."
        )


def _refuse_many(what: str, count: int) -> None:
    if count > _MOST_TOGETHER:
        raise UserErrorException(f"{count:,} {what} are too many at once. Give {_MOST_TOGETHER:,} at most.")
