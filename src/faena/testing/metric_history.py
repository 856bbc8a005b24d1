"""Runs with metrics of any number and length, kept as ingest keeps them: what charts are drawn from."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import msgspec
import numpy as np

from faena.db import Database, Write
from faena.kernel.clock import Micros
from faena.runs import record_store, store
from faena.runs.model import SCRIPT_RUN, Run, RunStatus
from faena.runs.submission_schemas import Submission
from faena.server import app as _app  # noqa: F401  the tables of every feature are part of the schema
from faena.tracking import metric_tail
from faena.tracking.model import StreamKey
from faena.tracking.points import Points
from faena.tracking.store import streams
from faena.workspaces import store as workspaces

BEGIN: Micros = 1_785_000_000_000_000
SECOND: Micros = 1_000_000


def fill_metrics(
    database: Database,
    runs: int,
    names: Sequence[str],
    points: int,
    *,
    experiment: str = "charts",
    seed: int = 0,
) -> list[str]:
    """Runs that have ended, each with these metrics of so many points and three parameters; gives their ids."""

    def begin(write: Write) -> None:
        workspaces.create_experiment(write, experiment, BEGIN)

    database.submit_write(begin).result()
    made = np.random.default_rng(seed)
    ids = []
    for number in range(runs):
        run_id = f"{experiment}_{number:05d}"
        database.submit_write(
            partial(_add, run_id=run_id, experiment=experiment, number=number, made=made)
        ).result()
        database.submit_write(partial(_log, run_id=run_id, names=names, points=points, made=made)).result()
        ids.append(run_id)
    return ids


def _add(write: Write, run_id: str, experiment: str, number: int, made: np.random.Generator) -> None:
    rate, width = float(10 ** made.uniform(-4, -1)), int(made.choice([32, 64, 128]))
    arguments = ("--rate", f"{rate:.4g}", "--width", str(width), "--optimizer", ("adam", "sgd")[number % 2])
    submission = Submission(
        experiment=experiment, snapshot="", script="train.py", cluster="cpu", arguments=arguments
    )
    created = BEGIN + number * 60 * SECOND
    store.add(
        write,
        Run(
            id=run_id,
            experiment=experiment,
            number=number + 1,
            status=RunStatus.COMPLETED,
            version=1,
            user="ann",
            cluster="cpu",
            node_count=1,
            snapshot="",
            submission=msgspec.json.encode(submission),
            created_at=created,
            parent=None,
            type=SCRIPT_RUN,
            attempt=1,
            started_at=created,
            ended_at=created + 50 * SECOND,
        ),
    )
    record_store.add_parameters(
        write, run_id, {"rate": f"{rate:.4g}", "width": str(width), "optimizer": arguments[-1]}
    )
    record_store.set_tags(write, run_id, {"team": "ab"[number % 2], "try": str(number // 10)})


def _log(write: Write, run_id: str, names: Sequence[str], points: int, made: np.random.Generator) -> None:
    key = StreamKey(run_id, 1, 0, "spool/1-00000000")
    streams.add(write, key, 0)
    place = np.arange(points)
    began = BEGIN + int(run_id.rpartition("_")[2]) * 60 * SECOND
    logged = {}
    for name in names:
        values = np.exp(-place / points * made.uniform(1, 5)) + made.normal(0, 0.02, points)
        time = began + place * (45 * SECOND // max(1, points))
        logged[name] = Points(time, place, values.view(np.int64), np.zeros(points, np.uint8))
    metric_tail.append(write, key, logged)
