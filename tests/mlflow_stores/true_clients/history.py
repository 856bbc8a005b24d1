"""Makes a history with MLflow itself in a store; the names of folders and of databases differ."""

from __future__ import annotations

import contextlib
import sys
import tempfile
import time
import warnings
from pathlib import Path

import mlflow
import numpy as np
from mlflow import MlflowClient
from mlflow.entities import Metric, Param
from sklearn.linear_model import LogisticRegression

MODERN = int(mlflow.__version__.split(".")[0]) >= 3
RUNS, METRICS, POINTS = 10, 4, 50


def many_runs(client: MlflowClient, experiment: str, now: int) -> None:
    for number in range(RUNS):
        began = now - 10_000_000 + number * 1000
        tags = {"mlflow.user": "ann", "mlflow.source.name": "train.py"}
        run_id = client.create_run(experiment, began, tags, run_name=f"run {number}").info.run_id
        points = [
            Metric(f"m/{metric}", number / (step + metric + 1), began + step, step)
            for metric in range(METRICS)
            for step in range(POINTS)
        ]
        client.log_batch(run_id, points, [Param(f"p{place}", str(place * number)) for place in range(10)])
        with tempfile.TemporaryDirectory() as folder:
            for place in range(5):
                path = Path(folder, f"sub{place % 2}", f"f{place}.txt")
                path.parent.mkdir(exist_ok=True)
                path.write_text(f"{number} {place}\n" * 50)
            client.log_artifacts(run_id, folder)
        client.set_terminated(run_id, ("FINISHED", "FAILED", "KILLED")[number % 3], began + 5000)


def odd_runs(client: MlflowClient, experiment: str, gone: str, now: int) -> None:
    run_id = client.create_run(experiment, run_name="odd").info.run_id
    for step, value in enumerate([float("nan"), float("inf"), -float("inf"), 0.0, -0.0, 1e-300, 1e308]):
        client.log_metric(run_id, "odd.values", value, now + step, step)
    client.log_metric(run_id, "odd.values", 3.0, now, 0)
    client.log_metric(run_id, "back", 1.0, 5, 9)
    client.log_metric(run_id, "back", 2.0, 9, -4)
    client.log_param(run_id, "a/b c", "x\ny")
    client.log_param(run_id, "empty", "")
    client.set_tag(run_id, "mlflow.note.content", "# a note\nü")
    client.log_text(run_id, "hello", "deep/er/ü x.txt")
    deleted = client.create_run(experiment, run_name="deleted one").info.run_id
    client.log_metric(deleted, "x", 1.0)
    client.delete_run(deleted)
    client.log_metric(client.create_run(gone, run_name="in one that is gone").info.run_id, "x", 1.0)
    client.delete_experiment(gone)
    client.log_metric(client.create_run(experiment, run_name="still running").info.run_id, "x", 2.0)


def nested_runs_with_data() -> None:
    import pandas as pd

    with mlflow.start_run(run_name="parent"):
        mlflow.log_metric("loss", 1.0)
        for number in range(3):
            with mlflow.start_run(nested=True, run_name=f"child {number}"):
                mlflow.log_metric("loss", number)
        frame = pd.DataFrame({"a": [1.5, 2, 3]})
        data = mlflow.data.from_pandas(frame, source="s3://x/y.csv", name="data")
        mlflow.log_input(data, context="training", tags={"t": "1"})


def models(client: MlflowClient, name: str) -> None:
    points = np.random.default_rng(1).random((40, 3))
    labels = (points[:, 0] > 0.5).astype(int)
    mlflow.sklearn.autolog()
    with mlflow.start_run(run_name="auto"):
        fitted = LogisticRegression().fit(points, labels)
        fitted.score(points, labels)
    mlflow.sklearn.autolog(disable=True)
    with mlflow.start_run(run_name="manual") as run:
        where = {"name": "model"} if MODERN else {"artifact_path": "model"}
        logged = mlflow.sklearn.log_model(fitted, registered_model_name=name, **where)
        address = logged.model_uri if MODERN else f"runs:/{run.info.run_id}/model"
        for _ in range(2):
            mlflow.register_model(address, name)
    client.set_registered_model_alias(name, "champion", "2")
    client.update_model_version(name, "1", "first")
    client.set_model_version_tag(name, "2", "q", "ok")
    client.update_registered_model(name, "the net")
    client.set_registered_model_tag(name, "owner", "ann")
    client.transition_model_version_stage(name, "1", "Production")
    client.transition_model_version_stage(name, "2", "Staging")
    client.delete_model_version(name, "3")
    client.create_registered_model(f"empty-{name}", {"x": "y"}, "none yet")


def traces(experiment: str) -> None:
    def find(question: str) -> list[str]:
        return [question, "ü"]

    def reply(question: str) -> dict[str, object]:
        return {"found": look_up(question), "n": 1.5}

    def fail() -> None:
        raise ValueError("no")

    look_up = mlflow.trace(find, name="look up", span_type="TOOL", attributes={"k": "v"})
    answer, broken = mlflow.trace(reply, name="answer"), mlflow.trace(fail, name="broken")
    for question in ("a", "b"):
        answer(question)
    with contextlib.suppress(ValueError):
        broken()
    with mlflow.start_run(run_name="with a trace"):
        answer("in a run")
    if MODERN:
        mlflow.flush_trace_async_logging()
        first = mlflow.search_traces(locations=[experiment], return_type="list")[0].info.trace_id
        mlflow.log_feedback(trace_id=first, name="good", value=True, rationale="so")
        mlflow.log_expectation(trace_id=first, name="answer", value={"a": [1]})


def evaluation_sets(experiment: str) -> None:
    from mlflow.genai import datasets

    made = datasets.create_dataset(name="questions", experiment_id=[experiment], tags={"team": "a b"})
    many = [
        {
            "inputs": {"q": str(number), "n": [number, None]},
            "expectations": {"answer": number},
            "tags": {"t": "u"},
        }
        for number in range(600)
    ]
    made.merge_records(many)
    made.merge_records(mlflow.search_traces(locations=[experiment], return_type="list"))
    datasets.create_dataset(name="empty")


def main(store: str) -> None:
    warnings.simplefilter("ignore")
    mlflow.set_tracking_uri(store)
    client, now = MlflowClient(), int(time.time() * 1000)
    kind = store.partition("://")[0].partition("+")[0] if "://" in store else "folder"
    bulk = client.create_experiment(f"bulk {kind}", tags={"team": "a b"})
    mixed = client.create_experiment(f"Été / {kind}")
    gone = client.create_experiment(f"gone {kind}")
    many_runs(client, bulk, now)
    odd_runs(client, mixed, gone, now)
    mlflow.set_experiment(f"Été / {kind}")
    nested_runs_with_data()
    models(client, f"net-{kind}")
    traces(mixed)
    if MODERN and kind != "folder":
        evaluation_sets(mixed)


if __name__ == "__main__":
    main(sys.argv[1])
