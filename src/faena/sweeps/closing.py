"""How a sweep itself ends: stopped by what its trials came to or by somebody, and over when the last of them is."""

from __future__ import annotations

from msgspec.structs import replace

from faena.db import Write
from faena.kernel.clock import Micros
from faena.runs import record_store, transitions
from faena.runs import service as runs
from faena.runs import store as run_rows
from faena.runs.model import HYPERDRIVE, EndReason, Outcome, Run, RunStatus
from faena.sweeps import endings, generations, issuing, journal, store, trial_changes, trial_runs, trial_store
from faena.sweeps.model import Sweep, SweepState, TrialState

_CANCELED = "The sweep was canceled."
_ALL_THE_SAME = "With fail_fast=False a sweep goes on all the same."
_EARLY = 20
"""Trials that have ended when a look at how the first ones failed says something."""


def judged(
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
    end_if_done(write, stop(write, sweep, EndReason.CANCELED, _CANCELED, now), now)


def end_if_done(write: Write, sweep: Sweep, now: Micros) -> None:
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
    if fresh.learns:
        write.notify(issuing.SWEEPS)  # nobody draws for it any more


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
