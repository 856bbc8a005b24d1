"""How trials and sweeps end: in the transactions that end their runs, and each end makes room for the next trial.

A kill between two transactions leaves each of them whole: a trial has its run or is waiting for it, a place is free or
taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from faena.db import Write
from faena.kernel.clock import Micros
from faena.kernel.plural import counted
from faena.runs import record_store, transitions
from faena.runs import service as runs
from faena.runs import store as run_rows
from faena.runs.model import HYPERDRIVE, EndReason, Outcome, Run, RunStatus
from faena.runs.transitions import Ended
from faena.sweeps import (
    endings,
    generations,
    issuing,
    journal,
    measuring,
    standing,
    store,
    trial_changes,
    trial_runs,
    trial_store,
)
from faena.sweeps.model import Sweep, SweepState, Trial, TrialState
from faena.tracking.store import files as run_files

_OUTPUTS = "outputs/"
_CANCELED = "The sweep was canceled."
_ALL_THE_SAME = "With fail_fast=False a sweep goes on all the same."
_EARLY = 20
"""Trials that have ended when a look at how the first ones failed says something."""


def fill(write: Write, sweep: Sweep, now: Micros) -> None:
    """Issue what may be issued; end the sweep where nothing goes on and nothing can come."""
    if not issuing.issue(write, sweep, now):
        _end_if_done(write, sweep, now)


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
        trial_store.update_trial(write, sweep.run_id, trial.number, **changes)
        trial_store.forget_decision(write, sweep.run_id, trial.number)
    fill(write, sweep, now)


@transitions.on_end.add
def _ended(write: Write, ended: Ended) -> None:
    """A trial's run ends: its place is free in the same transaction. A sweep whose own run ends has ended."""
    trial = trial_store.trial_of_run(write, ended.run_id)
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
        trial_store.update_trial(write, trial.sweep, trial.number, tries=again.tries, state=again.state.value)
        journal.again(write, sweep, trial, outcome, now)
    else:
        measured = measuring.measure(write, sweep.spec, trial)
        trial_store.update_trial(
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
        if sweep.spec.sampling.population is not None and outcome.reason is EndReason.COMPLETED:
            generations.note_without_checkpoint(write, sweep, trial, now)
        standing.Standing(write, sweep).end(trial.number)
        if sweep.spec.keep_outputs is not None:
            _keep_outputs_of_the_best(write, sweep, trial.number, sweep.spec.keep_outputs)
        if sweep.learns:
            trial_changes.stamp(write, sweep.run_id, trial.number)
        sweep = _judged(write, sweep, trial.number, measured[0], outcome, now)
    fill(write, sweep, now)


def _keep_outputs_of_the_best(write: Write, sweep: Sweep, number: int, count: int) -> None:
    """A trial that ended is among the best, and takes the place of one that was, or its outputs go."""
    order = trial_store.by_value(sweep.spec.objectives[0].goal)
    ranked = [
        trial
        for trial in trial_store.page(write, sweep.run_id, limit=count + 1, order=order, own=True)
        if trial.run_id
    ]
    best = [trial for trial in ranked[:count] if trial.value is not None]
    going = (
        ranked[count:]
        if number in {trial.number for trial in best}
        else [trial_store.trial(write, sweep.run_id, number)]
    )
    for trial in going:
        if trial is not None and trial.run_id and run_files.forget_folder(write, trial.run_id, _OUTPUTS):
            told = f"Its outputs were not kept: only those of the best {counted(count, 'trial')} of its sweep are."
            record_store.add_note(write, trial.run_id, "outputs", told)


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
    if outcome.reason.status is RunStatus.FAILED and _is_early(write, sweep):
        alike = endings.fail_alike(trial_runs.first_ended(write, sweep.run_id, _EARLY))
        if alike is not None:
            if spec.fail_fast:
                return stop(write, sweep, EndReason.SWEEP, f"{_sentence(alike)} {_ALL_THE_SAME}", now)
            said = f"{_sentence(alike)} It goes on: with fail_fast=True a sweep ends then."
            _note_failures(write, sweep, said, now)
    if spec.fail_fast and spec.sampling.population is not None:
        stuck = generations.nobody_can_go_on(write, sweep)
        if stuck is not None and spec.max_total_runs > sweep.issued:
            return stop(write, sweep, EndReason.SWEEP, f"{_sentence(stuck)} {_ALL_THE_SAME}", now)
    why = None
    if spec.stop_at is not None:
        why = endings.at_target(objective, spec.stop_at, number, value)
    if why is None and spec.patience is not None:
        running = trial_changes.values_of_open(write, sweep.run_id)
        why = endings.without_improvement(objective, spec.patience, streak, running)
    return sweep if why is None else stop(write, sweep, EndReason.COMPLETED, f"It is done: {why}.", now)


def _note_failures(write: Write, sweep: Sweep, told: str, now: Micros) -> None:
    if "failing" not in dict(record_store.list_notes(write, sweep.run_id)):
        record_store.add_note(write, sweep.run_id, "failing", told)
        run_rows.update(write, sweep.run_id, {})
        journal.warned(write, sweep, told, now)


def _sentence(reason: str) -> str:
    return f"{reason[:1].upper()}{reason[1:]}."


def _is_early(write: Write, sweep: Sweep) -> bool:
    """However many run at once: few have ended."""
    return sweep.issued - trial_store.count_busy(write, sweep.run_id) <= _EARLY


def stop(write: Write, sweep: Sweep, reason: EndReason, told: str, now: Micros) -> Sweep:
    """No trial is issued any more, and those that run are asked to stop."""
    if sweep.state in (SweepState.STOPPING, SweepState.ENDED):
        return sweep
    store.update(write, sweep.run_id, state=SweepState.STOPPING.value, reason=reason.value, told=told)
    sweep = replace(sweep, state=SweepState.STOPPING, reason=reason.value, told=told)
    trial_store.drop_unissued(write, sweep.run_id)
    journal.told(write, sweep, told, now)
    for trial in trial_store.in_state(write, sweep.run_id, TrialState.OPEN):
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
        or trial_runs.has_unended(write, fresh.run_id)
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
            record_store.add_note(write, run.id, "sweep", fresh.told)
        journal.told(write, fresh, f"The sweep has ended: {outcome.reason.status.value}.", now)
        transitions.end(write, run, outcome, now)


def _outcome(write: Write, sweep: Sweep, run: Run) -> Outcome:
    if run.reason is EndReason.REPORTED:  # somebody has said that it failed
        return Outcome(EndReason.REPORTED, run.message or "")
    if sweep.reason not in ("", EndReason.COMPLETED.value):
        return Outcome(EndReason(sweep.reason), sweep.told)
    counts = trial_runs.counts(write, sweep.run_id)
    failed = counts.get(RunStatus.FAILED.value, 0)
    stopped = counts.get(RunStatus.CANCELED.value, 0) if sweep.reason else 0
    has_value = bool(sweep.reason) and sweep.streak.best is not None
    if failed and failed + stopped == sum(counts.values()) and not has_value:
        first = next(iter(trial_runs.first_ended(write, sweep.run_id, 1)), None)
        told = endings.none_completed(failed, stopped, first)
        return Outcome(EndReason.SWEEP, f"{told} {sweep.told}".strip())
    return Outcome(EndReason.COMPLETED, sweep.told)


def keep(write: Write, sweep: Sweep, now: Micros) -> None:
    """Look after a sweep: ends that nobody has told it of, its time, places that came by themselves."""
    for run_id in trial_runs.open_whose_run_ended(write, sweep.run_id):
        trial, run = trial_store.trial_of_run(write, run_id), run_rows.get(write, run_id)
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


def move_deadline(write: Write, sweep_id: str, by: Micros, now: Micros) -> None:
    """The machine's clock was set by so much."""
    sweep = store.get(write, sweep_id)
    if sweep is None or sweep.state is SweepState.ENDED:
        return
    store.update(write, sweep_id, deadline=max(0, sweep.deadline + by))
    told = (
        f"The machine's clock was set by {by / 1e6:+,.0f} s, or it slept: what is left of max_duration_minutes "
        "is as before."
    )
    journal.told(write, sweep, told, now)


def _outcome_of(run: Run) -> Outcome:
    return Outcome(run.reason or EndReason.NOT_STARTED, run.message or "", run.exit_code, run.signal)
