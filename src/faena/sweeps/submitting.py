"""The run of a trial: what it is submitted with, in the transaction that issues the trial."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from faena.db import Read, Write
from faena.kernel.clock import Micros
from faena.runs import checkpoints, package_dates
from faena.runs import service as runs
from faena.runs import store as run_rows
from faena.runs.engine import prepare
from faena.runs.submission_schemas import TRIAL, Checkpoint
from faena.sweeps import generations, store, trial_runs, trial_store
from faena.sweeps.arguments import arguments_of
from faena.sweeps.model import Sweep, Trial, TrialState, trial_run_id


def start(write: Write, sweep: Sweep, trial: Trial, now: Micros) -> Trial:
    """Submit the run of a trial."""
    opened = submitted(write, sweep, trial, now)
    trial_store.open_with(write, sweep.run_id, trial.number, str(opened.run_id))
    return opened


def submitted(write: Write, sweep: Sweep, trial: Trial, now: Micros) -> Trial:
    """The trial with its run, which is yet to be kept with it."""
    run_id = trial_run_id(sweep.run_id, trial.number, trial.tries)
    given = sweep.submission
    submission = msgspec.structs.replace(
        given,
        arguments=(*given.arguments, *generations.arguments(sweep), *arguments_of(trial.parameters)),
        checkpoint=_checkpoint(write, sweep, trial),
        max_retries=0,  # the sweep itself tries its trials again
        max_node_losses=0,
        retry_on_exit_codes=(),
        parent=sweep.run_id,
        properties={**given.properties, TRIAL: str(trial.number)},
    )
    ready = _environment(write, sweep)
    run = runs.accept(write, run_id, submission, msgspec.json.encode(submission), now, ready)
    if ready is not None:
        package_dates.hand_on(write, sweep.run_id, run_id)
    else:
        prepare.await_build(write, run, prepare.wanted_by(write, run), now)
    return replace(trial, state=TrialState.OPEN, run_id=run_id)


def _checkpoint(read: Read, sweep: Sweep, trial: Trial) -> Checkpoint | None:
    """What the run of a trial begins from: one that is tried again goes on from what its last try has saved."""
    if trial.tries > 0:
        before = run_rows.get(read, trial_run_id(sweep.run_id, trial.number, trial.tries - 1))
        if before is not None:
            submission = runs.asked_for(before)
            found = checkpoints.taken(read, before.id, checkpoints.folder_of(submission))
            return found or submission.checkpoint
    return generations.checkpoint(read, sweep, trial)


def _environment(write: Write, sweep: Sweep) -> tuple[str, str] | None:
    """Lock and interpreter that the sweep's trials have; None while no trial has them yet."""
    if sweep.lock and sweep.python:
        return sweep.lock, sweep.python
    found = trial_runs.ready_environment(write, sweep.run_id)
    if found is not None:
        store.update(write, sweep.run_id, lock=found.lock, python=found.python)
        package_dates.hand_on(write, found.run_id, sweep.run_id)
    return found and (found.lock, found.python)
