"""Evaluation sets come with their records, and go out beside a folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from faena import Workspace
from faena.client.mlflow_stores.report import Counts
from tests.mlflow_stores.stores import BEGAN, DatabaseOfMlflow, new_id, write_meta

NUMBER = 7


@pytest.fixture
def workspace(common_workspace: Workspace) -> Workspace:
    return common_workspace


def database_with_set(path: Path, mark: str) -> tuple[DatabaseOfMlflow, str]:
    database = DatabaseOfMlflow(path)
    set_id = f"d-{mark}"
    database.add("experiments", experiment_id=NUMBER, name=f"e {mark}", lifecycle_stage="active")
    times = {"created_time": BEGAN, "last_update_time": BEGAN + 5}
    schema = json.dumps({"inputs": {"q": "string", "gone": "integer"}, "outputs": {}, "version": "1.0"})
    database.add(
        "evaluation_datasets",
        dataset_id=set_id,
        name=f"questions {mark}",
        schema=schema,
        created_by="ann",
        **times,
    )
    database.add("evaluation_dataset_tags", dataset_id=set_id, key="team", value="a b")
    database.add(
        "entity_associations",
        source_type="evaluation_dataset",
        source_id=set_id,
        destination_type="experiment",
        destination_id=str(NUMBER),
    )
    return database, set_id


def add_record(
    database: DatabaseOfMlflow, set_id: str, question: str, changed: int = BEGAN, **told: Any
) -> None:
    columns = {name: json.dumps(value) for name, value in {"inputs": {"q": question}, **told}.items()}
    database.add(
        "evaluation_dataset_records",
        dataset_record_id=f"dr-{new_id()}",
        dataset_id=set_id,
        created_time=BEGAN,
        last_update_time=changed,
        **columns,
    )


def records_of(workspace: Workspace, set_id: str) -> dict[str, Any]:
    """By their questions."""
    found = workspace.api.transport.json("GET", f"/api/3.0/mlflow/datasets/{set_id}/records?max_results=1000")
    return {each["inputs"]["q"]: each for each in json.loads(found["records"])}


def set_of(workspace: Workspace, set_id: str) -> Any:
    return workspace.api.transport.json("GET", f"/api/3.0/mlflow/datasets/{set_id}")["dataset"]


@pytest.mark.long
def test_a_set_comes_whole_and_what_is_new_there_later(workspace: Workspace, tmp_path: Path) -> None:
    database, set_id = database_with_set(tmp_path / "mlflow.db", new_id())
    source = {"source_type": "TRACE", "source_data": {"trace_id": "tr-1"}}
    add_record(database, set_id, "a", expectations={"answer": [1, None]}, tags={"n": 5}, source=source)
    add_record(database, set_id, "b", outputs={"mlflow_wrapped": "text"}, expectations={})
    for number in range(501):  # more than a part
        add_record(database, set_id, f"many {number}")
    assert workspace.import_mlflow(database.url, dry_run=True).evaluation_sets == Counts(there=1, new=1)
    report = workspace.import_mlflow(database.url)
    assert (report.evaluation_sets, report.records) == (Counts(there=1, new=1), 503)
    assert report.whole
    kept, found = set_of(workspace, set_id), records_of(workspace, set_id)
    assert (json.loads(kept["tags"]), kept["created_by"], kept["created_time"]) == (
        {"team": "a b"},
        "ann",
        BEGAN,
    )
    assert json.loads(kept["schema"])["inputs"] == {"q": "string", "gone": "integer"}
    of = workspace.api.transport.json("GET", f"/api/3.0/mlflow/datasets/{set_id}/experiment-ids")
    assert len(of["experiment_ids"]) == 1
    assert (found["a"]["expectations"], found["a"]["tags"], found["a"]["source"]) == (
        {"answer": [1, None]},
        {"n": "5"},
        source,
    )
    assert (found["b"]["outputs"], found["b"]["expectations"]) == ("text", {})
    assert "expectations" not in found["many 1"]
    assert workspace.import_mlflow(database.url).evaluation_sets == Counts(there=1, here=1)
    add_record(database, set_id, "later")
    report = workspace.import_mlflow(database.url)
    assert (report.evaluation_sets, report.records) == (Counts(there=1, grown=1), 504)
    assert "later" in records_of(workspace, set_id)


def test_what_was_changed_here_stays_and_is_told(workspace: Workspace, tmp_path: Path) -> None:
    database, set_id = database_with_set(tmp_path / "mlflow.db", new_id())
    add_record(database, set_id, "a", expectations={"answer": "there"})
    workspace.import_mlflow(database.url)
    path = f"/api/3.0/mlflow/datasets/{set_id}/records"
    told = json.dumps([{"inputs": {"q": "a"}, "expectations": {"answer": "here"}}])
    as_json = {"Content-Type": "application/json"}
    workspace.api.transport.json("POST", path, {"records": told}, headers=as_json)
    report = workspace.import_mlflow(database.url)
    assert report.evaluation_sets == Counts(there=1, changed=1)
    assert [note.said for note in report.notes if note.about == f"evaluation set {set_id}"] == [
        "1 of its records were changed here since"
    ]
    assert records_of(workspace, set_id)["a"]["expectations"] == {"answer": "here"}


def test_out_and_back(workspace: Workspace, tmp_path: Path) -> None:
    mark = new_id()
    database, set_id = database_with_set(tmp_path / "mlflow.db", mark)
    add_record(database, set_id, "a", outputs={"mlflow_wrapped": [1]}, tags={"t": "u"})
    workspace.import_mlflow(database.url)
    there, before = records_of(workspace, set_id), set_of(workspace, set_id)
    written = workspace.export_mlflow(tmp_path / "out", experiments=[f"e {mark}"])
    assert (written.evaluation_sets, written.records, written.notes) == (1, 1, [])
    workspace.api.transport.request("DELETE", f"/api/3.0/mlflow/datasets/{set_id}")
    report = workspace.import_mlflow(str(tmp_path / "out"))
    assert report.evaluation_sets == Counts(there=1, new=1)
    assert (records_of(workspace, set_id), set_of(workspace, set_id)) == (there, before)


def test_a_file_that_holds_no_set_is_told(workspace: Workspace, tmp_path: Path) -> None:
    root = tmp_path / "mlruns"
    number = str(10**17 + int(new_id(), 16) % 10**17)
    write_meta(root / number, {"experiment_id": number, "name": f"e {number}", "lifecycle_stage": "active"})
    (root / "evaluation-set-d-1.json").write_text("[")
    report = workspace.import_mlflow(str(root))
    assert [note.about for note in report.notes] == ["evaluation set evaluation-set-d-1.json"]
