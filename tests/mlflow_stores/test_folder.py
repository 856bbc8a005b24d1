"""A folder of MLflow's comes into a workspace whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from faena import Workspace
from faena.client.mlflow_stores.report import Counts, Report
from tests.mlflow_stores.stores import (
    BEGAN,
    FolderOfMlflow,
    as_mapping,
    history_of,
    new_id,
    run_of,
    told,
    write,
    write_meta,
)


@pytest.fixture
def workspace(common_workspace: Workspace) -> Workspace:
    return common_workspace


@pytest.fixture
def store(tmp_path: Path) -> FolderOfMlflow:
    return FolderOfMlflow(tmp_path / "mlruns")


def bring(workspace: Workspace, store: FolderOfMlflow, *, dry_run: bool = False) -> Report:
    found = workspace.import_mlflow(str(store.root), dry_run=dry_run)
    assert isinstance(found, Report)
    return found


def test_a_run_comes_with_all_that_it_has(workspace: Workspace, store: FolderOfMlflow) -> None:
    lines = f"{BEGAN} 0.5 0\n{BEGAN + 1} nan 1\n{BEGAN + 2} inf 2\n{BEGAN + 2} -inf 3\n{BEGAN + 9} 0.25 7\n"
    run_id = store.run(
        metrics={"loss": lines, "val/acc": f"{BEGAN} 0.1\n{BEGAN + 1} 0.2 1 data a1b2\n"},
        params={"lr": "0.1", "a/b": "x\ny"},
        tags={"mlflow.note.content": "# Note", "team": "a b", "mlflow.runName": "first"},
        files={"model/MLmodel": b"flavors: {}\n", "plot 1.png": b"\x89"},
        run_name="first",
        status=4,
    )
    write(store.folder / "tags" / "goal", "speed")
    report = bring(workspace, store)
    assert (report.runs, report.points, report.files, report.notes) == (Counts(there=1, new=1), 7, 2, [])
    assert report.whole
    run = run_of(workspace, run_id)
    info = run["info"]
    assert [
        info[name] for name in ("run_name", "status", "start_time", "end_time", "user_id", "lifecycle_stage")
    ] == [
        *("first", "FAILED", BEGAN, BEGAN + 5000, "ann", "active"),
    ]
    assert info["experiment_id"] == store.number
    assert as_mapping(run["data"]["params"]) == {"lr": "0.1", "a/b": "x\ny"}
    tags = {"mlflow.note.content": "# Note", "team": "a b", "mlflow.runName": "first"}
    assert as_mapping(run["data"]["tags"]) == tags
    assert history_of(workspace, run_id, "loss") == [
        *((BEGAN, 0, 0.5), (BEGAN + 1, 1, "NaN"), (BEGAN + 2, 2, "Infinity"), (BEGAN + 2, 3, "-Infinity")),
        (BEGAN + 9, 7, 0.25),
    ]
    assert history_of(workspace, run_id, "val/acc") == [(BEGAN, 0, 0.1), (BEGAN + 1, 1, 0.2)]
    found = workspace.get_run(run_id)
    assert found.get_file_names() == ["model/MLmodel", "plot 1.png"]
    assert found.get_properties()["imported_from"] == str(store.root)
    experiment = told(workspace, "experiments/get", experiment_id=store.number)["experiment"]
    assert (experiment["name"], experiment["creation_time"]) == (store.name, BEGAN)
    assert as_mapping(experiment["tags"]) == {"goal": "speed"}


def test_a_second_time_doubles_nothing_and_brings_what_is_new(
    workspace: Workspace, store: FolderOfMlflow
) -> None:
    first = store.run(metrics={"loss": f"{BEGAN} 0.5 0\n"}, status=1, end_time=None)
    assert bring(workspace, store).runs == Counts(there=1, new=1)
    second = store.run()
    assert bring(workspace, store).runs == Counts(there=2, new=1, here=1)
    with (store.folder / first / "metrics" / "loss").open("a") as file:
        file.write(f"{BEGAN + 5} 0.25 1\n")
    write(store.folder / first / "params" / "late", "1")
    write(store.folder / first / "artifacts" / "log.txt", "done")
    meta = store.folder / first / "meta.yaml"
    meta.write_text(meta.read_text().replace("status: 1", "status: 3").replace("null", str(BEGAN + 9)))
    assert bring(workspace, store).runs == Counts(there=2, grown=1, here=1)
    assert history_of(workspace, first, "loss") == [(BEGAN, 0, 0.5), (BEGAN + 5, 1, 0.25)]
    assert run_of(workspace, first)["info"]["status"] == "FINISHED"
    assert workspace.get_run(first).get_file_names() == ["log.txt"]
    assert bring(workspace, store).runs == Counts(there=2, here=2)
    assert run_of(workspace, second)["info"]["run_id"] == second


def test_what_was_changed_here_stays(workspace: Workspace, store: FolderOfMlflow) -> None:
    run_id = store.run(params={"lr": "1"})
    bring(workspace, store)
    workspace.get_run(run_id).tag("seen", "yes")
    report = bring(workspace, store)
    assert report.runs == Counts(there=1, changed=1)
    assert not report.whole
    assert [(note.about, note.said) for note in report.notes] == [
        (f"run {run_id}", "it differs in tags (seen)")
    ]
    assert workspace.get_run(run_id).get_tags()["seen"] == "yes"


def test_an_id_of_something_else_is_told(workspace: Workspace, store: FolderOfMlflow) -> None:
    asked = workspace.api.transport.json_answer(
        "POST",
        "/api/2.0/mlflow/runs/create",
        b'{"experiment_id": "0"}',
        headers={"Content-Type": "application/json"},
    )
    taken = asked["run"]["info"]["run_id"]
    store.run(run_id=taken)
    other = store.run()
    report = bring(workspace, store)
    assert report.runs == Counts(there=2, new=1, taken=1)
    assert run_of(workspace, taken)["info"]["experiment_id"] == "0"
    assert run_of(workspace, other)["info"]["experiment_id"] == store.number


def test_nested_and_deleted_runs(workspace: Workspace, store: FolderOfMlflow) -> None:
    """Also where the one above began last, or is not there, or is one that is below it."""
    parent, child, orphan = new_id(), new_id(), new_id()
    above = {"mlflow.parentRunId": parent}
    store.run(run_id=child, tags=above)
    store.run(run_id=parent, tags={"mlflow.parentRunId": child}, start_time=BEGAN + 10)
    store.run(
        run_id=orphan,
        tags={"mlflow.parentRunId": "0" * 32},
        lifecycle_stage="deleted",
        deleted_time=BEGAN + 77,
    )
    assert bring(workspace, store).runs == Counts(there=3, new=3)
    assert [run.id for run in workspace.get_run(child).get_children()] == [parent]
    assert as_mapping(run_of(workspace, child)["data"]["tags"])["mlflow.parentRunId"] == parent
    assert run_of(workspace, orphan)["info"]["lifecycle_stage"] == "deleted"
    assert bring(workspace, store).runs == Counts(there=3, here=3)


def test_deleted_experiments_and_ids_that_are_taken(workspace: Workspace, tmp_path: Path) -> None:
    first = FolderOfMlflow(tmp_path / "one")
    run_id = first.run()
    bring(workspace, first)
    other = FolderOfMlflow(tmp_path / "other" / "mlruns", number=first.number)
    other_run = other.run(lifecycle_stage="deleted")
    trash = other.root / ".trash"
    trash.mkdir()
    other.folder.rename(trash / other.number)
    report = bring(workspace, other)
    assert report.experiments == Counts(there=1, new=1)
    [note] = report.notes
    assert note.said.startswith("its id here is ") and note.said.endswith(f", not {first.number}")
    found = told(workspace, "experiments/get-by-name", experiment_name=other.name)["experiment"]
    assert found["lifecycle_stage"] == "deleted"
    assert run_of(workspace, other_run)["info"]["experiment_id"] == found["experiment_id"]
    assert run_of(workspace, run_id)["info"]["experiment_id"] == first.number


def test_only_looking_changes_nothing(workspace: Workspace, store: FolderOfMlflow) -> None:
    run_id = store.run(metrics={"loss": f"{BEGAN} 1 0\n"}, files={"a": b"12"})
    store.model(name := f"m{run_id[:8]}")
    store.version(name, 1, source=f"runs:/{run_id}/a", run_id=run_id)
    report = bring(workspace, store, dry_run=True)
    assert report.notes == [], "its files would come with the run"
    assert (report.runs, report.models, report.points, report.size) == (*[Counts(there=1, new=1)] * 2, 1, 2)
    with pytest.raises(Exception, match="Could not find"):
        told(workspace, "experiments/get-by-name", experiment_name=store.name)
    bring(workspace, store)
    assert bring(workspace, store, dry_run=True).runs == Counts(there=1, here=1)


def test_data_sets_and_logged_models(workspace: Workspace, store: FolderOfMlflow) -> None:
    model_id = f"m-{new_id()}"
    run_id = store.run(metrics={"acc": f"{BEGAN} 1 0\n"})
    dataset = {
        "name": "mnist",
        "digest": "d1",
        "source_type": "http",
        "source": "{}",
        "schema": "s",
        "profile": None,
    }
    write_meta(store.folder / "datasets" / "x1", dataset)
    used = {
        "source_type": "DATASET",
        "source_id": "x1",
        "destination_type": "RUN",
        "tags": {"mlflow.data.context": "train"},
    }
    write_meta(store.folder / run_id / "inputs" / "i1", used)
    made = {"source_type": "RUN_OUTPUT", "source_id": model_id, "destination_id": model_id, "step": 3}
    write_meta(store.folder / run_id / "outputs" / model_id, made)
    folder = store.folder / "models" / model_id
    meta = {
        "model_id": model_id,
        "name": "net",
        "status": 2,
        "source_run_id": run_id,
        "experiment_id": store.number,
    }
    meta |= {
        "creation_timestamp": BEGAN,
        "last_updated_timestamp": BEGAN + 1,
        "artifact_location": f"file:///gone/1/models/{model_id}/artifacts",
    }
    write_meta(folder, meta)
    write(folder / "metrics" / "acc", f"{BEGAN} 0.5 0 {run_id}\n{BEGAN + 1} 0.75 1 {run_id} mnist d1\n")
    write(folder / "tags" / "by", "hand")
    write(folder / "artifacts" / "MLmodel", "flavors: {}\n")
    report = bring(workspace, store)
    assert (report.logged_models, report.notes) == (Counts(there=1, new=1), [])
    run = run_of(workspace, run_id)
    [told_of] = run["inputs"]["dataset_inputs"]
    assert told_of["dataset"] == {key: value for key, value in dataset.items() if value is not None}
    assert run["outputs"]["model_outputs"] == [{"model_id": model_id, "step": 3}]
    model = told(workspace, f"logged-models/{model_id}")["model"]
    assert (model["info"]["status"], as_mapping(model["info"]["tags"])) == (
        "LOGGED_MODEL_READY",
        {"by": "hand"},
    )
    assert [metric["value"] for metric in model["data"]["metrics"]] == [0.5, 0.75]
    files = told(workspace, f"logged-models/{model_id}/artifacts/directories")["files"]
    assert [file["path"] for file in files] == ["MLmodel"]
    assert bring(workspace, store).logged_models == Counts(there=1, here=1)


def test_registered_models(workspace: Workspace, store: FolderOfMlflow) -> None:
    name = f"net-{new_id()[:8]}"
    run_id = store.run(files={"model/MLmodel": b"flavors: {}\n"})
    store.model(name, description="the net", last_updated_timestamp=BEGAN + 50)
    write(store.root / "models" / name / "tags" / "owner", "ann")
    source = f"file:///gone/{store.number}/{run_id}/artifacts/model"
    store.version(name, 1, source=source, run_id=run_id, current_stage="Production", description="first")
    store.version(name, 4, source="s3://bucket/model", run_id="f" * 32)
    store.version(name, 5, current_stage="Deleted_Internal")
    write(store.root / "models" / name / "aliases" / "champion", "1")
    report = bring(workspace, store)
    assert (report.models, report.versions) == (Counts(there=1, new=1), Counts(there=3, new=3))
    assert [note.about for note in report.notes] == [f"version {name}:4"]
    model = told(workspace, "registered-models/get", name=name)["registered_model"]
    assert (model["description"], model["last_updated_timestamp"]) == ("the net", BEGAN + 50)
    assert model["aliases"] == [{"alias": "champion", "version": "1"}]
    version = told(workspace, "model-versions/get", name=name, version="1")["model_version"]
    assert (version["source"], version["current_stage"], version["run_id"]) == (source, "Production", run_id)
    kept = workspace.api.models.get(name, 1)
    assert [file.path for file in kept.files] == ["model/MLmodel"]
    assert bring(workspace, store).versions == Counts(there=3, here=3)
    meta = store.root / "models" / name / "version-1" / "meta.yaml"
    meta.write_text(
        meta.read_text()
        .replace("description: first", "description: better")
        .replace(f"last_updated_timestamp: {BEGAN}", f"last_updated_timestamp: {BEGAN + 1}")
    )
    assert bring(workspace, store).versions == Counts(there=3, grown=1, here=2)
    assert (
        told(workspace, "model-versions/get", name=name, version="1")["model_version"]["description"]
        == "better"
    )
