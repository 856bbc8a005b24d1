"""How trials end: in the transactions that end their runs, and each end makes room for the next trial.

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
from faena.runs import checkpoint_store, record_store, transitions
from faena.runs import store as run_rows
from faena.runs.model import HYPERDRIVE, EndReason, Outcome, Run
from faena.runs.transitions import Ended
from faena.sweeps import (
    closing,
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


def fill(write: Write, sweep: Sweep, now: Micros) -> None:
    """Issue what may be issued; end the sweep where nothing goes on and nothing can come."""
    if not issuing.issue(write, sweep, now):
        closing.end_if_done(write, sweep, now)


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
    if sweep.learns:
        trial_changes.stamp_all(write, sweep.run_id, [trial.number for trial in trials])
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
        sweep = closing.judged(write, sweep, trial.number, measured[0], outcome, now)
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
        if trial is None or not trial.run_id:
            continue
        checkpoint_store.forget(write, trial.run_id)
        if run_files.forget_folder(write, trial.run_id, _OUTPUTS):
            told = f"Its outputs were not kept: only those of the best {counted(count, 'trial')} of its sweep are."
            record_store.add_note(write, trial.run_id, "outputs", told)


_RETRIED = {
    EndReason.NODE_LOST: "node_lost",
    EndReason.OUT_OF_MEMORY: "out_of_memory",
    EndReason.EXIT_CODE: "failed",
    EndReason.SIGNAL: "failed",
    EndReason.NOT_STARTED: "failed",
}


def _goes_again(sweep: Sweep, trial: Trial, outcome: Outcome) -> bool:
    kind = _RETRIED.get(outcome.reason)
    if kind is None or sweep.state in (SweepState.STOPPING, SweepState.ENDED) or trial.decision is not None:
        return False
    return trial.tries < int(getattr(sweep.spec.retries, kind))


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
        fresh = closing.stop(write, fresh, EndReason.COMPLETED, told, now)
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
