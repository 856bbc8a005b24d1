"""Databases of MLflow's, of today's schema and of earlier ones."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from faena import Workspace
from faena.client.mlflow_stores.report import Counts
from tests.mlflow_stores.stores import (
    BEGAN,
    FIRST,
    DatabaseOfMlflow,
    as_mapping,
    history_of,
    new_id,
    run_of,
    told,
    write,
)


@pytest.fixture
def workspace(common_workspace: Workspace) -> Workspace:
    return common_workspace


def test_all_of_it(workspace: Workspace, tmp_path: Path) -> None:
    database = DatabaseOfMlflow(tmp_path / "mlflow.db")
    run_id, deleted, model_id, trace = new_id(), new_id(), f"m-{new_id()}", f"tr-{new_id()}"
    name = f"net-{run_id[:8]}"
    times = {"creation_time": BEGAN, "last_update_time": BEGAN}
    database.add("experiments", experiment_id=41, name=f"e {run_id[:8]}", lifecycle_stage="active", **times)
    database.add("experiment_tags", experiment_id=41, key="goal", value="speed")
    told_of = {"experiment_id": 41, "user_id": "ann", "start_time": BEGAN, "end_time": BEGAN + 9}
    where = f"./mlruns/41/{run_id}/artifacts"
    database.add(
        "runs",
        run_uuid=run_id,
        name="first",
        status="KILLED",
        lifecycle_stage="active",
        artifact_uri=where,
        **told_of,
    )
    database.add(
        "runs",
        run_uuid=deleted,
        status="FINISHED",
        lifecycle_stage="deleted",
        deleted_time=BEGAN + 99,
        **told_of,
    )
    for step, (value, nan) in enumerate([(0.5, 0), (0.0, 1), (1.7976931348623157e308, 0)]):
        point = {"key": "loss", "timestamp": BEGAN + step, "step": step, "value": value, "is_nan": nan}
        database.add("metrics", run_uuid=run_id, **point)
    database.add("params", run_uuid=run_id, key="lr", value="0.1")
    database.add("tags", run_uuid=run_id, key="mlflow.user", value="ann")
    write(tmp_path / "mlruns" / "41" / run_id / "artifacts" / "model" / "MLmodel", "x")
    database.add(
        "datasets",
        dataset_uuid="d",
        experiment_id=41,
        name="mnist",
        digest="d1",
        dataset_source_type="http",
        dataset_source="{}",
    )
    database.add(
        "inputs",
        input_uuid="i",
        source_type="DATASET",
        source_id="d",
        destination_type="RUN",
        destination_id=run_id,
    )
    database.add("input_tags", input_uuid="i", name="mlflow.data.context", value="train")
    database.add(
        "inputs",
        input_uuid="o",
        source_type="RUN_OUTPUT",
        source_id=run_id,
        destination_type="MODEL_OUTPUT",
        destination_id=model_id,
        step=2,
    )
    database.add(
        "logged_models",
        model_id=model_id,
        experiment_id=41,
        name="net",
        status=2,
        lifecycle_stage="active",
        source_run_id=run_id,
        creation_timestamp_ms=BEGAN,
        last_updated_timestamp_ms=BEGAN,
        artifact_location=f"mlruns/41/models/{model_id}/artifacts",
    )
    write(tmp_path / "mlruns" / "41" / "models" / model_id / "artifacts" / "MLmodel", "y")
    database.add(
        "registered_models", name=name, creation_time=BEGAN, last_updated_time=BEGAN, description="d"
    )
    version = {
        "name": name,
        "creation_time": BEGAN,
        "last_updated_time": BEGAN,
        "status": "READY",
        "current_stage": "None",
    }
    database.add("model_versions", version=1, run_id=run_id, source=f"models:/{model_id}", **version)
    database.add(
        "model_versions", version=2, source=f"mlflow-artifacts:/41/{run_id}/artifacts/model", **version
    )
    database.add("registered_model_aliases", name=name, alias="best", version=2)
    database.add(
        "trace_info", request_id=trace, experiment_id=41, timestamp_ms=BEGAN, execution_time_ms=7, status="OK"
    )
    database.add("trace_tags", request_id=trace, key="k", value="v")
    database.add("webhooks", webhook_id="w")
    database.close()
    report = workspace.import_mlflow(database.url)
    assert report.whole, report
    assert (report.runs, report.versions, report.traces) == (
        Counts(there=2, new=2),
        Counts(there=2, new=2),
        Counts(there=1, new=1),
    )
    assert report.without_counterpart == {"webhooks": 1}
    run = run_of(workspace, run_id)
    assert (run["info"]["status"], run["info"]["run_name"]) == ("KILLED", "first")
    assert history_of(workspace, run_id, "loss") == [
        *((BEGAN, 0, 0.5), (BEGAN + 1, 1, "NaN"), (BEGAN + 2, 2, 1.7976931348623157e308)),
    ]
    assert as_mapping(run["inputs"]["dataset_inputs"][0]["tags"]) == {"mlflow.data.context": "train"}
    assert run["outputs"]["model_outputs"] == [{"model_id": model_id, "step": 2}]
    assert run_of(workspace, deleted)["info"]["lifecycle_stage"] == "deleted"
    assert workspace.get_run(run_id).get_file_names() == ["model/MLmodel"]
    files = [[file.path for file in workspace.api.models.get(name, number).files] for number in (1, 2)]
    assert files == [["MLmodel"], ["model/MLmodel"]]
    found = told(workspace, f"traces/{trace}/info")["trace_info"]
    assert (found["timestamp_ms"], found["execution_time_ms"], found["status"]) == (BEGAN, 7, "OK")
    again = workspace.import_mlflow(database.url)
    assert (again.runs.here, again.logged_models.here, again.versions.here, again.traces.here) == (2, 1, 2, 1)


def test_the_first_schema(workspace: Workspace, tmp_path: Path) -> None:
    """Without steps, without NaN, with the source in columns."""
    database = DatabaseOfMlflow(tmp_path / "old.db", FIRST, metrics="key, value, timestamp, run_uuid")
    run_id = new_id()
    database.add("experiments", experiment_id=0, name="Default", lifecycle_stage="active")
    database.add(
        "runs",
        run_uuid=run_id,
        status="FINISHED",
        start_time=BEGAN,
        experiment_id=0,
        source_type="LOCAL",
        source_name="train.py",
        source_version="abc",
    )
    database.add("metrics", run_uuid=run_id, key="loss", timestamp=BEGAN, value=1)
    database.close()
    report = workspace.import_mlflow(database.url)
    assert [note.said for note in report.notes] == ["it does not say when it ended"]
    run = run_of(workspace, run_id)
    assert run["info"]["experiment_id"] == "0"
    assert as_mapping(run["data"]["tags"]) == {
        "mlflow.source.name": "train.py",
        "mlflow.source.type": "LOCAL",
        "mlflow.source.git.commit": "abc",
        "mlflow.runName": run_id,
    }
    assert history_of(workspace, run_id, "loss") == [(BEGAN, 0, 1.0)]


def test_artifacts_elsewhere_are_counted(workspace: Workspace, tmp_path: Path) -> None:
    database = DatabaseOfMlflow(tmp_path / "mlflow.db", FIRST)
    database.add("experiments", experiment_id=7, name=f"e {new_id()}", lifecycle_stage="active")
    ids = [new_id() for _ in range(4)]
    proxied = f"mlflow-artifacts:/7/{ids[3]}/artifacts"
    where = [
        f"s3://bucket/{ids[0]}/artifacts",
        f"s3://bucket/{ids[1]}/artifacts",
        f"/gone/7/{ids[2]}/artifacts",
        proxied,
    ]
    for run_id, address in zip(ids, where, strict=True):
        run = {"status": "FINISHED", "start_time": BEGAN, "end_time": BEGAN, "experiment_id": 7}
        database.add("runs", run_uuid=run_id, artifact_uri=address, **run)
    database.close()
    report = workspace.import_mlflow(database.url)
    assert (report.runs.new, report.whole) == (4, False)
    assert report.elsewhere == {"s3://bucket": 2}
    assert report.missing == {"/gone/": 1, "mlflow-artifacts:/": 1}
    kept = tmp_path / "copied"
    write(kept / "7" / ids[2] / "artifacts" / "a", "1")
    write(kept / "7" / ids[3] / "artifacts" / "b", "2")
    report = workspace.import_mlflow(database.url, artifacts=kept)
    assert (report.runs.grown, report.runs.here, report.missing) == (2, 2, {})
    assert [workspace.get_run(run_id).get_file_names() for run_id in ids[2:]] == [["a"], ["b"]]


def test_a_database_of_something_else(workspace: Workspace, tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    connection = sqlite3.connect(other)
    connection.execute("CREATE TABLE songs (name)")
    connection.close()
    write(tmp_path / "text.db", "no database at all, whatever it is called")
    for url, why in (
        (f"sqlite:///{other}", "no table 'experiments'"),
        (f"sqlite:///{tmp_path / 'text.db'}", "cannot be read as a SQLite database"),
        (f"sqlite:///{tmp_path / 'none.db'}", "There is no file"),
        ("mysql+pymysql://me:secret@host/db", "Start `mlflow server"),
        ("s3://bucket/mlruns", "cannot be read from here"),
        (str(other), "is a file. For a database give 'sqlite:///"),
    ):
        with pytest.raises(Exception, match=why) as caught:
            workspace.import_mlflow(url)
        assert "secret" not in str(caught.value)
