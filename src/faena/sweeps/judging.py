"""Stops trials that fall behind, in the transaction that keeps what they have logged.

So the answer to the batch that brings a value tells its runner to stop, and a decision is never forgotten.
"""

from __future__ import annotations

from collections.abc import Mapping

from faena.db import Write
from faena.kernel.clock import Micros
from faena.runs import record_store
from faena.runs import service as runs
from faena.sweeps import journal, store, trial_store
from faena.sweeps.batch_standing import BatchStanding
from faena.sweeps.model import Sweep, SweepState, TrialState
from faena.sweeps.policies import Decision, decide, watches
from faena.sweeps.standing import Standing
from faena.tracking.ingest import on_points
from faena.tracking.model import SCRIPT, StreamKey
from faena.tracking.points import Points
from faena.tracking.summary import numbers


@on_points.add
def _judge(write: Write, key: StreamKey, points: Mapping[str, Points], now: Micros) -> None:
    trial = trial_store.trial_of_run(write, key.run_id)
    if (
        trial is None
        or trial.state is not TrialState.OPEN
        or key.source != SCRIPT
        or key.attempt < trial.attempt
    ):
        return
    sweep = store.get(write, trial.sweep)
    if sweep is None or not watches(sweep.spec.policy):
        return
    objective = sweep.spec.objectives[0]
    found = points.get(objective.name)
    if found is None:
        return
    if key.attempt > trial.attempt:
        if trial.attempt:
            Standing(write, sweep).restart(trial.number, key.attempt)
        else:
            trial_store.update_trial(write, sweep.run_id, trial.number, attempt=key.attempt)
    standing = BatchStanding(write, sweep, trial.number)
    for value in numbers(found).tolist():
        decisions = decide(sweep.spec.policy, objective.goal, standing, trial.number, value)
        if decisions:
            standing.flush()
            for number, decision in decisions:
                _stop(write, sweep, number, decision, now)
            standing.refresh()
    standing.flush()


def _stop(write: Write, sweep: Sweep, number: int, decision: Decision, now: Micros) -> None:
    trial_store.update_trial(write, sweep.run_id, number, decision=decision)
    trial = trial_store.trial(write, sweep.run_id, number)
    if trial is None or trial.run_id is None or sweep.state is SweepState.ENDED:
        return
    record_store.add_note(write, trial.run_id, "policy", f"{decision.text[:1].upper()}{decision.text[1:]}.")
    journal.stopped(write, sweep, trial, decision.text, now)
    runs.cancel(write, trial.run_id, now)
