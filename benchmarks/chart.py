"""A chart of a metric through the client, at 1 and at 10 million points: `python -m benchmarks.chart`.

Points are kept as ingest keeps them and sealed, as those of a run that has ended. Each figure is the 95th percentile
of 30 questions: request, answer, curve decoded. Beside it, from `RIVAL_PYTHON`, MLflow's `get_metric_history` on a
SQLite file with 100,000 points of one metric, inside its own process, without HTTP: it gives all points.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from pathlib import Path

import numpy as np

from benchmarks.ground import HIDING, rival_python, workspace
from benchmarks.rows import Row, at_most, command
from faena import Experiment, Workspace
from faena.db import Database, Write
from faena.kernel.clock import SystemClock
from faena.objects.files import FolderObjects
from faena.runs.list_schemas import Curve
from faena.tracking import metric_tail, sealing
from faena.tracking.model import StreamKey
from faena.tracking.points import Points
from faena.tracking.store import streams

SIZES = (1_000_000, 10_000_000)
RIVAL_SIZE = 100_000
QUESTIONS = 30
BUDGET_MS = 100
_TOGETHER = 500_000
BUDGET_POINTS = 4_000
RIVAL = """
import statistics, sys, time
from mlflow import MlflowClient
from mlflow.entities import Metric
client = MlflowClient(sys.argv[1])
run = client.create_run(client.create_experiment("chart")).info.run_id
size = int(sys.argv[2])
for first in range(0, size, 1000):
    client.log_batch(run, metrics=[Metric("loss", at / 7, 0, at) for at in range(first, first + 1000)])
times = []
for _ in range(5):
    began = time.perf_counter()
    found = client.get_metric_history(run, "loss")
    times.append(time.perf_counter() - began)
assert len(found) == size
print(statistics.median(times))
"""


def measure(quick: bool = False) -> list[Row]:
    questions = 5 if quick else QUESTIONS
    beside = 1_000 if quick else RIVAL_SIZE
    rival = _rival(beside)
    rows = []
    for size in (100_000,) if quick else SIZES:
        with workspace() as ws:
            run_id = _log(ws, size)
            for asked in ({}, {"start": size / 2, "stop": size / 2 + size / 20}):
                times, curve = [], None
                for _ in range(questions):
                    began = time.perf_counter()
                    curve = ws.api.curve(run_id, "loss", "step", 1000, **asked)
                    times.append(time.perf_counter() - began)
                assert isinstance(curve, Curve)
                p95 = 1000 * sorted(times)[int(0.95 * len(times))]
                what = f"chart of {size:,} points" + (", a twentieth of it" if asked else "")
                note = f"{len(curve.x):,} points sent; median {1000 * statistics.median(times):.0f} ms"
                said = f"mlflow, all of {beside:,} points"
                rows.append(
                    at_most(f"p95: {what}", p95, BUDGET_MS, "ms", rival=said, rival_value=rival, note=note)
                )
                rows.append(at_most(f"points sent: {what}", len(curve.x), BUDGET_POINTS, "points"))
    return rows


def _log(ws: Workspace, size: int) -> str:
    run = Experiment(ws, "chart").start_logging(snapshot_directory=None)
    run.complete()
    database, objects = Database(ws.files.database), FolderObjects(ws.files.objects)
    key = StreamKey(run.id, 1, 0, "spool/1-00000000")
    made = np.random.default_rng(1)

    def append(write: Write, first: int, count: int) -> None:
        if first == 0:
            streams.add(write, key, 0)
        place = np.arange(first, first + count)
        values = np.exp(-place / 3e6) + made.normal(0, 0.1, count)
        points = Points(place * 10_000, place, values.view(np.int64), np.zeros(count, np.uint8))
        metric_tail.append(write, key, {"loss": points})

    for first in range(0, size, _TOGETHER):
        count = min(_TOGETHER, size - first)
        database.submit_write(lambda write, first=first, count=count: append(write, first, count)).result()  # type: ignore[misc]  # mypy infers no lambda with a default
    sealing.seal(database, objects, run.id, 1, SystemClock())
    database.close()
    return run.id


def _rival(size: int) -> float | None:
    if (python := rival_python()) is None:
        return None
    environment = {name: value for name, value in os.environ.items() if name not in HIDING}
    with workspace() as ws:
        given = [python, "-c", RIVAL, f"sqlite:///{Path(ws.folder, 'mlflow.db')}", str(size)]
        done = subprocess.run(
            given,
            env=environment,
            cwd=ws.folder,
            check=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
    return 1000 * float(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    command("Charts", measure)
