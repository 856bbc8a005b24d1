"""A sweep of any size, made row by row: its run, its ledger, its trials with a curve of twenty values each."""

from __future__ import annotations

import math
import random
from functools import partial
from typing import Any

import msgspec
import numpy as np

from faena.db import Database, Write
from faena.kernel.clock import Micros
from faena.runs import phase_store, record_store
from faena.runs import store as run_rows
from faena.runs.model import HYPERDRIVE, SCRIPT_RUN, EndReason, Run, RunStatus
from faena.runs.submission_schemas import TRIAL, Submission
from faena.server import app as _app  # noqa: F401  the tables of every feature are part of the schema
from faena.sweeps import journal, store, trial_store
from faena.sweeps.endings import Streak
from faena.sweeps.model import Source, Sweep, SweepState, Trial, TrialState
from faena.sweeps.policies import Decision
from faena.sweeps.progress import Reached
from faena.sweeps.schemas import Objective, Policy, Sampling, SweepSpec
from faena.sweeps.space import Space
from faena.tracking import codec
from faena.tracking.model import SCRIPT
from faena.tracking.points import Points
from faena.tracking.store.metric_chunks import chunks
from faena.tracking.store.metrics import series
from faena.tracking.summary import summarise
from faena.workspaces import store as workspaces

BEGIN: Micros = 1_780_000_000_000_000
METRIC = "Accuracy"
SPACE: dict[str, Any] = {
    "--lr": ["loguniform", [-9, -1]],
    "--batchsize": ["choice", [[32, 64, 128, 256]]],
    "optimizer": [
        "choice",
        [[{"--optimizer": "sgd", "--momentum": ["uniform", [0, 1]]}, {"--optimizer": "adam"}]],
    ],
    "--units": ["quniform", [50, 1000, 50]],
    "--augment": ["flag", []],
}
_POINTS = 20
_TOGETHER = 2_000
_FAILED, _STOPPED = 0.04, 0.2


def fill_sweep(
    database: Database,
    sweep_id: str,
    count: int,
    *,
    state: SweepState = SweepState.ENDED,
    seed: int = 0,
    experiment: str = "tuned",
    **spec: Any,
) -> None:
    """`count` trials that have ended: some failed, some were stopped. One that is not `ended` has to be `paused`."""
    made = random.Random(seed)
    asked = SweepSpec(
        **{
            "space": SPACE,
            "sampling": Sampling("random", seed),
            "objectives": (Objective(METRIC, "maximize"),),
            "policy": Policy("bandit", slack_factor=0.1, delay_evaluation=3),
            "max_total_runs": count,
            "max_concurrent_runs": 4,
            **spec,
        }
    )
    sweep = Sweep(
        run_id=sweep_id,
        spec=asked,
        space=Space.parse(asked.space, asked.constraints),
        submission=Submission(experiment=experiment, snapshot="0" * 64, script="train.py", cluster="cpu"),
        state=state,
        revision=0,
        position=count,
        issued=count,
        exhausted=False,
        deadline=BEGIN * 2,
        lock=None,
        python=None,
        streak=Streak(),
        changes=0,
        told="",
        reason="",
    )

    def begin(write: Write) -> None:
        workspaces.create_experiment(write, experiment, BEGIN)
        ended = state is SweepState.ENDED
        run_rows.add(write, _run(sweep, sweep_id, 1, RunStatus.COMPLETED if ended else RunStatus.RUNNING))
        phase_store.begin_phase(write, sweep_id, "Running", 1, BEGIN)
        store.add(write, sweep)
        journal.created(write, sweep, BEGIN)

    database.submit_write(begin).result()
    for first in range(0, count, _TOGETHER):
        part = range(first, min(count, first + _TOGETHER))
        database.submit_write(partial(_add, sweep=sweep, part=part, made=made)).result()


def _run(sweep: Sweep, run_id: str, number: int, status: RunStatus, reason: EndReason | None = None) -> Run:
    is_trial = run_id != sweep.run_id
    at = BEGIN + number * 1_000_000
    return Run(
        id=run_id,
        experiment=sweep.submission.experiment,
        number=number,
        status=status,
        version=1,
        user="ann",
        cluster="cpu",
        node_count=1,
        snapshot="0" * 64,
        submission=msgspec.json.encode(sweep.submission),
        created_at=at,
        parent=sweep.run_id if is_trial else None,
        type=SCRIPT_RUN if is_trial else HYPERDRIVE,
        attempt=1,
        started_at=at,
        ended_at=None if status is RunStatus.RUNNING else at + 30_000_000,
        reason=reason,
        message="The script ended with exit code 1." if status is RunStatus.FAILED else None,
    )


def _add(write: Write, sweep: Sweep, part: range, made: random.Random) -> None:
    trials = [_trial(sweep, number, made) for number in part]
    trial_store.add_trials(write, trials, [f"{trial.number:064x}" for trial in trials])
    rows = []
    for trial in trials:
        status = RunStatus(trial.status or "Completed")
        reason = {RunStatus.FAILED: EndReason.EXIT_CODE, RunStatus.CANCELED: EndReason.CANCELED}.get(status)
        run = _run(sweep, str(trial.run_id), trial.number + 2, status, reason)
        rows.append({name: getattr(run, name) for name in run_rows.runs.columns.keys()})  # noqa: SIM118  columns else
    write.execute(run_rows.runs.insert(), rows)
    write.execute(
        record_store.properties.insert(),
        [{"run_id": trial.run_id, "key": TRIAL, "value": str(trial.number)} for trial in trials],
    )
    for trial in trials:
        if trial.value is not None:
            _curve(write, trial, made)


def _trial(sweep: Sweep, number: int, made: random.Random) -> Trial:
    units = [made.random() for _ in sweep.space.dimensions]
    point = sweep.space.from_unit(units)
    luck = made.random()
    value = 0.98 - 0.4 * abs(units[0] - 0.55) ** 1.5 - 0.2 * made.random() ** 3 - 0.05 * units[-1]
    status = RunStatus.COMPLETED
    decision = None
    if luck < _FAILED:
        status = RunStatus.FAILED
    elif luck < _STOPPED and number > 3:
        status = RunStatus.CANCELED
        value *= 0.7
        text = f"stopped at interval 5: {value:.6g} against 0.97 / 1.1"
        decision = Decision("bandit", 5, value, 0.97, 0.97 / 1.1, text)
    found = None if status is RunStatus.FAILED else value
    return Trial(
        sweep=sweep.run_id,
        number=number,
        run_id=f"{sweep.run_id}_{number}",
        state=TrialState.ENDED,
        source=Source.SAMPLED,
        revision=0,
        tries=0,
        repeat=0,
        parameters=point.values,
        coordinates=point.coordinates,
        attributes=None,
        attempt=1,
        reached=Reached(),
        status=status.value,
        value=found,
        metrics=(found, *(made.random() for _ in sweep.spec.objectives[1:])),
        allowed=True,
        decision=decision,
    )


def _curve(write: Write, trial: Trial, made: random.Random) -> None:
    count = 5 if trial.decision is not None else _POINTS
    reached = float(trial.value or 0)
    values = np.array(
        [reached * (1 - math.exp(-(step + 1) / 4)) - 0.02 * made.random() for step in range(count)]
    )
    values[-1] = reached
    points = Points(
        BEGIN + np.arange(count, dtype=np.int64) * 1_000_000,
        np.arange(count, dtype=np.int64),
        values.view(np.int64),
        np.zeros(count, np.uint8),
    )
    summary = summarise(points)
    data = codec.encode(points)
    told = {name: getattr(summary, name) for name in summary.__struct_fields__}
    row = {"run_id": trial.run_id, "attempt": 1, "source": SCRIPT, "name": METRIC, "latest": True, **told}
    row |= {"last_is_nan": False, "tail_chunks": 0, "tail_weight": 0}
    key = write.execute(series.insert().returning(series.c.id), row).scalar_one()
    chunk = {name: told[name] for name in ("first_time", "last_time", "min", "max")}
    chunk |= {"series_id": key, "tail": False, "points": count, "first_step": 0, "last_step": count - 1}
    write.execute(chunks.insert(), {**chunk, "data": data, "size": len(data)})
