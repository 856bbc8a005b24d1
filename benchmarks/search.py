"""Finding runs through the client, at 1,000, 10,000 and 100,000 runs: how the cost grows.

    python -m benchmarks.search [--quick]

The history is made row by row (`faena.testing.history`); each figure is the 95th percentile of 40 questions:
request, answer, rows decoded. Beside them, from `RIVAL_PYTHON`, MLflow's `search_runs` on a SQLite file of 10,000 runs
with the same tags, parameters and metrics, inside its own process, without HTTP.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.ground import HIDING, rival_python, workspace
from benchmarks.rows import Row, at_most, command
from faena import Workspace
from faena.db import Database
from faena.testing.history import fill
from faena.workspaces import database_place

SIZES = (1_000, 10_000, 100_000)
RIVAL_SIZE = 10_000
QUESTIONS = 40
BUDGET_MS = {"by one metric": 30, "filter on one, sort by another": 200}
ASKED: dict[str, dict[str, str]] = {
    "by one metric": {"sort": "-metrics.Accuracy"},
    "filter on one, sort by another": {"filter": "metrics.loss < 0.2", "sort": "-metrics.Accuracy"},
    "one metric, rare": {"filter": "metrics.Accuracy > 0.99"},
    "one metric, common": {"filter": "metrics.Accuracy > 0.5"},
    "tag and status": {"filter": "tags.team = a and status = Failed"},
}
PUBLISHED = "published: FastTrackML 2 ms (SQLite), mlflow-go 104, MLflow on PostgreSQL 1,004"
RIVAL = """
import json, logging, sys, time, random
import mlflow
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag
logging.disable(50)
client = MlflowClient(sys.argv[1])
experiment = client.create_experiment("bench")
made = random.Random(0)
for number in range(int(sys.argv[2])):
    run = client.create_run(experiment).info.run_id
    metrics = [Metric(name, made.random(), 0, 0) for name in ("Accuracy", "loss", "val/loss")]
    params = [Param("epochs", "10"), Param("rate", "0.1"), Param("net", "mlp")]
    client.log_batch(run, metrics, params, [RunTag("team", "abc"[number % 3]), RunTag("index", str(number))])
asked = {
    "by one metric": ("", ["metrics.Accuracy DESC"]),
    "filter on one, sort by another": ("metrics.loss < 0.2", ["metrics.Accuracy DESC"]),
    "one metric, rare": ("metrics.Accuracy > 0.99", []),
    "one metric, common": ("metrics.Accuracy > 0.5", []),
    "tag and status": ("tags.team = 'a' and attributes.status = 'RUNNING'", []),
}
found = {}
for name, (text, order) in asked.items():
    times = []
    for _ in range(int(sys.argv[3])):
        began = time.perf_counter()
        client.search_runs([experiment], text, order_by=order, max_results=100)
        times.append(time.perf_counter() - began)
    found[name] = sorted(times)[int(0.95 * len(times))]
print(json.dumps(found))
"""


def measure(quick: bool = False) -> list[Row]:
    questions = 5 if quick else QUESTIONS
    rival = _rival(300 if quick else RIVAL_SIZE, questions)
    rows = []
    for size in SIZES[:1] if quick else SIZES:
        with workspace() as ws:
            history(ws, size)
            for name, asked in ASKED.items():
                ours = 1000 * p95(lambda asked=asked: ws.api.runs(**asked), questions)  # type: ignore[misc]  # mypy infers no lambda with a default
                beside = rival.get(name) if size == RIVAL_SIZE or quick else None
                rows.append(_row(f"{size:,} runs, {name}", ours, BUDGET_MS.get(name), beside))
    return rows


def history(ws: Workspace, size: int) -> None:
    """So many runs, while the workspace has no server."""
    database = Database(database_place.place(ws.files.path))
    fill(database, size)
    database.close()


def p95(ask: Callable[[], object], questions: int) -> float:
    ask()
    times = []
    for _ in range(questions):
        began = time.perf_counter()
        ask()
        times.append(time.perf_counter() - began)
    return statistics.quantiles(times, n=20)[-1] if questions >= 20 else max(times)


def _row(name: str, ours: float, budget: float | None, beside: float | None) -> Row:
    rival = "mlflow" if beside is not None else "mlflow-go 104 ms (published)"
    value = None if beside is None else 1000 * beside
    if budget is None:
        return Row(f"p95: {name}", "", ours, "ms", rival, value)
    return at_most(f"p95: {name}", ours, budget, "ms", rival=rival, rival_value=value, note=PUBLISHED)


def _rival(size: int, questions: int) -> dict[str, float]:
    if (python := rival_python()) is None:
        return {}
    environment = {name: value for name, value in os.environ.items() if name not in HIDING}
    with workspace() as ws:
        file = Path(ws.folder, "mlflow.db")
        given = [python, "-c", RIVAL, f"sqlite:///{file}", str(size), str(questions)]
        done = subprocess.run(
            given,
            env=environment,
            cwd=ws.folder,
            check=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


if __name__ == "__main__":
    command("Search", measure)
