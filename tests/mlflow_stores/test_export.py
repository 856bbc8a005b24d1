"""A workspace's experiments as a folder of MLflow's."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
import yaml

from faena import Workspace
from faena.client.mlflow_stores.folder import FolderStore
from faena.kernel.errors import NotFound, UserErrorException
from tests.mlflow_stores.stores import BEGAN, FolderOfMlflow, new_id, write


@pytest.fixture
def workspace(common_workspace: Workspace) -> Workspace:
    return common_workspace


@pytest.mark.long
def test_what_came_goes_back_as_it_was(workspace: Workspace, tmp_path: Path) -> None:
    store = FolderOfMlflow(tmp_path / "mlruns")
    parent = store.run(
        metrics={
            "loss": f"{BEGAN} 0.1 0\n{BEGAN + 1} nan 1\n{BEGAN + 1} -inf 2\n",
            "a/b": f"{BEGAN} 1e-300 5\n",
        },
        params={"x": "1\n2", "p/q": ""},
        tags={"mlflow.note.content": "ü", "t": "v"},
        files={"model/MLmodel": b"x", "é": b"2"},
        status=5,
    )
    deleted = store.run(tags={"mlflow.parentRunId": parent}, lifecycle_stage="deleted", deleted_time=BEGAN)
    name = f"net-{new_id()[:8]}"
    store.model(name, description="d")
    store.version(name, 2, source=f"runs:/{parent}/model", run_id=parent, current_stage="Staging")
    write(store.root / "models" / name / "aliases" / "best", "2")
    assert workspace.import_mlflow(str(store.root)).whole
    report = workspace.export_mlflow(tmp_path / "out", experiments=[store.name])
    assert (report.runs, report.points, report.versions, report.notes) == (2, 4, 1, [])
    there, back = FolderStore(store.root), FolderStore(tmp_path / "out")
    for one, other in zip(_runs(there), _runs(back), strict=True):
        tags = {"mlflow.runName": one.name, **one.tags}
        assert other == msgspec.structs.replace(one, tags=tags, archived_ms=other.archived_ms)
        assert (one.archived_ms is None) is (other.archived_ms is None)
    [model], [written] = there.models(), back.models()
    assert written.aliases == {"best": 2}
    assert [(each.version, each.source, each.stage) for each in written.versions] == [
        (each.version, each.source, each.stage) for each in model.versions
    ]
    place = tmp_path / "out" / store.number / parent / "artifacts"
    assert sorted(path.relative_to(place).as_posix() for path in place.rglob("*") if path.is_file()) == [
        "model/MLmodel",
        "é",
    ]
    version = yaml.safe_load((tmp_path / "out" / "models" / name / "version-2" / "meta.yaml").read_text())
    assert version["storage_location"] == (place / "model").as_uri()
    assert (tmp_path / "out" / store.number / deleted / "meta.yaml").exists()


def _runs(store: FolderStore):  # type: ignore[no-untyped-def]  # values as they are sent
    return [store.run(head).run for head in sorted(store.heads(), key=lambda head: head.id)]


def test_folders_that_hold_something_and_names_of_nothing(workspace: Workspace, tmp_path: Path) -> None:
    write(tmp_path / "full" / "a", "1")
    with pytest.raises(UserErrorException, match="is there already"):
        workspace.export_mlflow(tmp_path / "full")
    with pytest.raises(NotFound, match="no experiment 'none such'"):
        workspace.export_mlflow(tmp_path / "out", experiments=["none such"])
    assert not (tmp_path / "out").exists()
    with pytest.raises(
        NotFound, match="no experiment 'none such'"
    ):  # a project's folder is not the workspace's files
        workspace.export_mlflow(workspace.folder / "out", experiments=["none such"])
    with pytest.raises(UserErrorException, match="keeps its files"):
        workspace.export_mlflow(workspace.files.path / "out")
