"""Who gets the next place: trials are issued and ended in the transactions that start and end their runs.

A kill between two transactions leaves each of them whole: a trial has its run or is waiting for it, a place is free or
taken. What must be done outside of a transaction, drawing by a model, leaves a trial that is `free` until it is done.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec

from faena.compute import service as compute
from faena.db import Write
from faena.environments.service import spec_of
from faena.kernel.clock import Micros
from faena.kernel.errors import UserErrorException
from faena.kernel.plural import counted
from faena.runs import service as runs
from faena.runs import store as run_rows
from faena.runs import transitions
from faena.runs.engine import prepare
from faena.runs.model import HYPERDRIVE, EndReason, Outcome, Run, RunStatus
from faena.runs.schemas import TRIAL
from faena.runs.transitions import Ended
from faena.sweeps import endings, journal, measuring, policies, samplings, standing, store
from faena.sweeps.arguments import arguments_of
from faena.sweeps.model import Source, Sweep, SweepState, Trial, TrialState, trial_run_id
from faena.sweeps.progress import Reached
from faena.sweeps.space import Point
from faena.tracking.store import files as run_files

SWEEPS = "sweeps"
"""Rings where a sweep has something to be looked after outside of the transaction that made it so."""
_OUTPUTS = "outputs/"
_CANCELED = "The sweep was canceled."
_EARLY = 20
"""Trials that were issued when a look at how the first ones failed says something."""


def fill(write: Write, sweep: Sweep, now: Micros) -> None:
    """Issue trials as long as the sweep has places; end it where nothing more can come."""
    issued: list[Trial] = []
    if sweep.state is SweepState.RUNNING:
        room = capacity(write, sweep) - store.count_busy(write, sweep.run_id)
        while room > 0 and (trial := _next(write, sweep, now)) is not None:
            issued.append(trial)
            room -= 1
            if trial.source is Source.SAMPLED:
                sweep = store.get(write, sweep.run_id) or sweep
    journal.issued(write, sweep, issued, now)
    if issued and policies.watches(sweep.spec.policy):
        write.notify(SWEEPS)
    if not issued:
        _end_if_done(write, sweep, now)


def capacity(write: Write, sweep: Sweep) -> int:
    """How many of its trials may be there at once: no more than its cluster has nodes for, so that no queue fills."""
    try:
        cluster = compute.get(write, sweep.submission.cluster)
    except UserErrorException:  # it was deleted: the trials say so
        return sweep.spec.max_concurrent_runs
    at_once = max(1, cluster.max_nodes // max(1, sweep.submission.node_count))
    return min(sweep.spec.max_concurrent_runs, at_once)


def _next(write: Write, sweep: Sweep, now: Micros) -> Trial | None:
    """The next trial, issued or about to be drawn; None where there is none."""
    waiting = store.first_waiting(write, sweep.run_id)
    if waiting is not None:
        return start(write, sweep, waiting, now)
    if sweep.issued >= sweep.spec.max_total_runs or sweep.exhausted:
        return None
    repeated = _repeated(write, sweep)
    if repeated is not None:
        trial, digest = repeated
    elif sweep.learns:
        trial, digest = new_trial(sweep, None, state=TrialState.FREE), ""
        write.notify(SWEEPS)
    else:
        found = samplings.next_point(
            sweep.space,
            sweep.spec.sampling,
            sweep.position,
            lambda digest: store.is_taken(write, sweep.run_id, digest),
        )
        if found is None:
            store.update(write, sweep.run_id, exhausted=True)
            journal.exhausted(write, sweep, now)
            return None
        point, position = found
        store.update(write, sweep.run_id, position=position)
        trial, digest = new_trial(sweep, point), point.digest
    store.update(write, sweep.run_id, issued=sweep.issued + 1)
    store.add_trials(write, [trial], [digest])
    return trial if trial.state is TrialState.FREE else start(write, sweep, trial, now)


def _repeated(write: Write, sweep: Sweep) -> tuple[Trial, str] | None:
    """The same parameters once more, where each is to be tried several times."""
    if sweep.spec.repeats < 2 or (found := store.last_sampled(write, sweep.run_id)) is None:
        return None
    last, digest = found
    if last.repeat + 1 >= sweep.spec.repeats or last.state is TrialState.FREE:
        return None
    point = Point(last.coordinates, last.parameters, digest)
    return replace(new_trial(sweep, point), repeat=last.repeat + 1, attributes=None), digest


def new_trial(
    sweep: Sweep,
    point: Point | None,
    *,
    number: int | None = None,
    state: TrialState = TrialState.WAITING,
    source: Source = Source.SAMPLED,
) -> Trial:
    return Trial(
        sweep=sweep.run_id,
        number=sweep.issued if number is None else number,
        run_id=None,
        state=state,
        source=source,
        revision=sweep.revision,
        tries=0,
        repeat=0,
        parameters={} if point is None else point.values,
        coordinates={} if point is None else point.coordinates,
        attributes=None,
        attempt=0,
        reached=Reached(),
        status=None,
        value=None,
        metrics=(),
        allowed=True,
        decision=None,
    )


def give(write: Write, sweep: Sweep, points: list[Point]) -> None:
    """Trials by hand, which come before those that are sampled; where there is no room for them, the sweep grows."""
    added = [
        new_trial(sweep, point, number=sweep.issued + place, source=Source.GIVEN)
        for place, point in enumerate(points)
    ]
    store.add_trials(write, added, [point.digest for point in points])
    issued = sweep.issued + len(points)
    spec = msgspec.structs.replace(sweep.spec, max_total_runs=max(sweep.spec.max_total_runs, issued))
    store.update(write, sweep.run_id, issued=issued, spec=spec)


def adopt(write: Write, sweep: Sweep, found: Sequence[tuple[Trial, Point]]) -> None:
    """Know trials that ended elsewhere, under numbers below 0; those that lie where one is known already are left out.

    Each comes with where it lies in the space of this sweep.
    """
    number = store.lowest_number(write, sweep.run_id)
    added: list[tuple[Trial, str]] = []
    for trial, point in found:
        number -= 1
        known: dict[str, Any] = {
            "sweep": sweep.run_id,
            "number": number,
            "source": Source.ADOPTED,
            "state": TrialState.ENDED,
            "revision": sweep.revision,
            "parameters": point.values,
            "coordinates": point.coordinates,
            "attributes": None,
        }
        added.append((replace(trial, **known), point.digest))
    store.add_trials(write, [trial for trial, _ in added], [digest for _, digest in added])
    if sweep.learns:
        store.stamp_all(write, sweep.run_id, [trial.number for trial, _ in added])


def run_again(write: Write, sweep: Sweep, trials: Sequence[Trial], now: Micros) -> None:
    """Trials that have ended are tried once more, each under its number with a run of its own."""
    for trial in trials:
        standing.Standing(write, sweep).restart(trial.number, 0)
        changes: dict[str, Any] = {
            "tries": trial.tries + 1,
            "state": TrialState.WAITING.value,
            "status": None,
            "value": None,
            "metrics": (),
            "allowed": True,
        }
        store.update_trial(write, sweep.run_id, trial.number, **changes)
        store.forget_decision(write, sweep.run_id, trial.number)
    fill(write, sweep, now)


def take_place(
    write: Write, sweep: Sweep, number: int, point: Point, attributes: bytes | None, now: Micros
) -> None:
    """A free place gets what a model has drawn for it; silent where it is not free any more."""
    trial = store.trial(write, sweep.run_id, number)
    if trial is None or trial.state is not TrialState.FREE:
        return
    store.update_trial(
        write,
        sweep.run_id,
        number,
        parameters=point.values,
        coordinates=point.coordinates,
        digest=point.digest,
        attributes=attributes,
        state=TrialState.WAITING.value,
    )
    store.stamp(write, sweep.run_id, number)
    drawn = replace(
        trial,
        parameters=point.values,
        coordinates=point.coordinates,
        attributes=attributes,
        state=TrialState.WAITING,
    )
    if sweep.state is SweepState.RUNNING:
        journal.issued(write, sweep, [start(write, sweep, drawn, now)], now)


def start(write: Write, sweep: Sweep, trial: Trial, now: Micros) -> Trial:
    """Submit the run of a trial."""
    run_id = trial_run_id(sweep.run_id, trial.number, trial.tries)
    given = sweep.submission
    submission = msgspec.structs.replace(
        given,
        arguments=(*given.arguments, *arguments_of(trial.parameters)),
        parent=sweep.run_id,
        properties={**given.properties, TRIAL: str(trial.number)},
    )
    ready = _environment(write, sweep)
    run = runs.accept(write, run_id, submission, msgspec.json.encode(submission), now, ready)
    if ready is None:
        prepare.await_build(write, run, _wanted(write, sweep), now)
    store.update_trial(write, sweep.run_id, trial.number, state=TrialState.OPEN.value, run_id=run_id)
    return replace(trial, state=TrialState.OPEN, run_id=run_id)


def _wanted(write: Write, sweep: Sweep) -> prepare.Wanted:
    submission = sweep.submission
    return prepare.Wanted(spec_of(submission.environment), prepare.lock_of(write, submission))


def _environment(write: Write, sweep: Sweep) -> tuple[str, str] | None:
    """Lock and interpreter that the sweep's trials have; None while no trial has them yet."""
    if sweep.lock and sweep.python:
        return sweep.lock, sweep.python
    found = store.ready_environment(write, sweep.run_id)
    if found is not None:
        store.update(write, sweep.run_id, lock=found[0], python=found[1])
    return found


@transitions.on_end.add
def _ended(write: Write, ended: Ended) -> None:
    """A trial's run ends: its place is free in the same transaction. A sweep whose own run ends has ended."""
    trial = store.trial_of_run(write, ended.run_id)
    if trial is not None and trial.state is TrialState.OPEN:
        end_trial(write, trial, ended.outcome, ended.at)
    elif trial is None and ended.type == HYPERDRIVE:
        store.update(write, ended.run_id, state=SweepState.ENDED.value)


def end_trial(write: Write, trial: Trial, outcome: Outcome, now: Micros) -> None:
    sweep = store.get(write, trial.sweep)
    if sweep is None:
        return
    if _goes_again(sweep, trial, outcome):
        standing.Standing(write, sweep).restart(trial.number, 0)
        again = replace(trial, tries=trial.tries + 1, state=TrialState.WAITING, run_id=None)
        store.update_trial(write, trial.sweep, trial.number, tries=again.tries, state=again.state.value)
        journal.again(write, sweep, trial, outcome, now)
    else:
        measured = measuring.measure(write, sweep.spec, trial)
        store.update_trial(
            write,
            trial.sweep,
            trial.number,
            state=TrialState.ENDED.value,
            status=outcome.reason.status.value,
            value=measured[0],
            metrics=measured,
            allowed=measuring.is_allowed(write, sweep, trial),
        )
        if outcome.reason is EndReason.RESTORED:  # nothing goes on in a copy
            return
        if measured[0] is None and outcome.reason is EndReason.COMPLETED:
            measuring.note_missing(write, sweep, trial, now)
        standing.Standing(write, sweep).end(trial.number)
        if sweep.spec.keep_outputs is not None:
            _keep_outputs_of_the_best(write, sweep, trial.number, sweep.spec.keep_outputs)
        if sweep.learns:
            store.stamp(write, sweep.run_id, trial.number)
        sweep = _judged(write, sweep, trial.number, measured[0], outcome, now)
    fill(write, sweep, now)


def _keep_outputs_of_the_best(write: Write, sweep: Sweep, number: int, count: int) -> None:
    """A trial that ended is among the best, and takes the place of one that was, or its outputs go."""
    order = store.by_value(sweep.spec.objectives[0].goal)
    ranked = [
        trial for trial in store.page(write, sweep.run_id, limit=count + 1, order=order) if trial.run_id
    ]
    best = [trial for trial in ranked[:count] if trial.value is not None]
    going = (
        ranked[count:]
        if number in {trial.number for trial in best}
        else [store.trial(write, sweep.run_id, number)]
    )
    for trial in going:
        if trial is not None and trial.run_id and run_files.forget_folder(write, trial.run_id, _OUTPUTS):
            told = f"Its outputs were not kept: only those of the best {counted(count, 'trial')} of its sweep are."
            run_rows.add_note(write, trial.run_id, "outputs", told)


_RETRIED = {
    EndReason.NODE_LOST: "node_lost",
    EndReason.OUT_OF_MEMORY: "out_of_memory",
    EndReason.EXIT_CODE: "failed",
    EndReason.SIGNAL: "failed",
}


def _goes_again(sweep: Sweep, trial: Trial, outcome: Outcome) -> bool:
    kind = _RETRIED.get(outcome.reason)
    if kind is None or sweep.state in (SweepState.STOPPING, SweepState.ENDED) or trial.decision is not None:
        return False
    return trial.tries < int(getattr(sweep.spec.retries, kind))


def _judged(
    write: Write, sweep: Sweep, number: int, value: float | None, outcome: Outcome, now: Micros
) -> Sweep:
    """Whether the sweep itself is done with, now that one more of its trials has ended."""
    if sweep.state in (SweepState.STOPPING, SweepState.ENDED):
        return sweep
    spec, objective = sweep.spec, sweep.spec.objectives[0]
    streak = sweep.streak.after(objective.goal, value)
    store.update(write, sweep.run_id, streak_best=streak.best, streak=streak.length)
    sweep = replace(sweep, streak=streak)
    if spec.fail_fast and outcome.reason.status is RunStatus.FAILED and sweep.issued <= _EARLY:
        alike = endings.fail_alike(store.first_ended(write, sweep.run_id, _EARLY))
        if alike is not None:
            told = f"{alike[:1].upper()}{alike[1:]}. With fail_fast=False a sweep goes on all the same."
            return stop(write, sweep, EndReason.SWEEP, told, now)
    why = None
    if spec.stop_at is not None:
        why = endings.at_target(objective, spec.stop_at, number, value)
    if why is None and spec.patience is not None:
        running = store.values_of_open(write, sweep.run_id)
        why = endings.without_improvement(objective, spec.patience, streak, running)
    return sweep if why is None else stop(write, sweep, EndReason.COMPLETED, f"It is done: {why}.", now)


def stop(write: Write, sweep: Sweep, reason: EndReason, told: str, now: Micros) -> Sweep:
    """No trial is issued any more, and those that run are asked to stop."""
    if sweep.state in (SweepState.STOPPING, SweepState.ENDED):
        return sweep
    store.update(write, sweep.run_id, state=SweepState.STOPPING.value, reason=reason.value, told=told)
    sweep = replace(sweep, state=SweepState.STOPPING, reason=reason.value, told=told)
    store.drop_unissued(write, sweep.run_id)
    journal.told(write, sweep, told, now)
    for trial in store.in_state(write, sweep.run_id, TrialState.OPEN):
        runs.cancel(write, str(trial.run_id), now)
    return sweep


@transitions.on_cancel.add
def _canceled(write: Write, run: Run, now: Micros) -> None:
    if run.type != HYPERDRIVE or (sweep := store.get(write, run.id)) is None:
        return
    _end_if_done(write, stop(write, sweep, EndReason.CANCELED, _CANCELED, now), now)


def _end_if_done(write: Write, sweep: Sweep, now: Micros) -> None:
    """End the sweep's own run where none of its trials goes on and none will come."""
    fresh = store.get(write, sweep.run_id)
    if (
        fresh is None
        or fresh.state in (SweepState.ENDED, SweepState.PAUSED)
        or store.has_unended(write, fresh.run_id)
    ):
        return
    more = fresh.issued < fresh.spec.max_total_runs and not fresh.exhausted
    if fresh.state is SweepState.RUNNING and more:
        return
    run = run_rows.get(write, fresh.run_id)
    store.update(write, fresh.run_id, state=SweepState.ENDED.value)
    if run is not None:
        outcome = _outcome(write, fresh, run)
        if fresh.told and outcome.reason is EndReason.COMPLETED:
            run_rows.add_note(write, run.id, "sweep", fresh.told)
        journal.told(write, fresh, f"The sweep has ended: {outcome.reason.status.value}.", now)
        transitions.end(write, run, outcome, now)


def _outcome(write: Write, sweep: Sweep, run: Run) -> Outcome:
    if run.reason is EndReason.REPORTED:  # somebody has said that it failed
        return Outcome(EndReason.REPORTED, run.message or "")
    if sweep.reason:
        return Outcome(EndReason(sweep.reason), sweep.told)
    counts = store.counts(write, sweep.run_id)
    failed = counts.get(RunStatus.FAILED.value, 0)
    if failed and failed == sum(counts.values()):
        return Outcome(EndReason.SWEEP, f"All of its {failed} trials failed.")
    return Outcome(EndReason.COMPLETED)


def keep(write: Write, sweep: Sweep, now: Micros) -> None:
    """Look after a sweep: ends that nobody has told it of, its time, places that came by themselves."""
    for run_id in store.open_whose_run_ended(write, sweep.run_id):
        trial, run = store.trial_of_run(write, run_id), run_rows.get(write, run_id)
        if trial is None:
            continue
        gone = Outcome(EndReason.CANCELED, "Its run was deleted.")
        end_trial(write, trial, gone if run is None else _outcome_of(run), now)
    fresh = store.get(write, sweep.run_id)
    if fresh is None:
        return
    if now >= fresh.deadline and fresh.state in (SweepState.RUNNING, SweepState.PAUSED):
        minutes = f"{fresh.spec.max_duration_minutes:g}"
        told = f"It has taken the {minutes} minutes that max_duration_minutes gives it."
        fresh = stop(write, fresh, EndReason.COMPLETED, told, now)
    fill(write, fresh, now)


def _outcome_of(run: Run) -> Outcome:
    return Outcome(run.reason or EndReason.NOT_STARTED, run.message or "", run.exit_code, run.signal)
