"""What a server tells by MLflow's protocol comes as from a folder; the server here is one of ours."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

import pytest

from faena import Workspace
from faena.client.mlflow_stores.report import Counts
from faena.kernel.errors import UserErrorException
from tests.mlflow.clients import Client
from tests.mlflow_stores.stores import BEGAN, as_mapping, history_of, new_id, run_of, told
from tests.server.house import Running, running


@pytest.fixture
def workspace(common_workspace: Workspace) -> Workspace:
    return common_workspace


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("mlflow")) as found:
        yield found


@pytest.mark.long
def test_all_of_it(workspace: Workspace, server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client(server.client())
    address = f"http://127.0.0.1:{client.visitor.port}"
    monkeypatch.delenv("MLFLOW_TRACKING_TOKEN", raising=False)
    with pytest.raises(UserErrorException, match=r"answers 401 to .*Set MLFLOW_TRACKING_TOKEN"):
        workspace.import_mlflow(address)
    monkeypatch.setenv(
        "MLFLOW_TRACKING_TOKEN", client.visitor.headers["Authorization"].removeprefix("Bearer ")
    )
    mark = new_id()[:8]
    experiment = client.post("experiments/create", name=f"far {mark}")["experiment_id"]
    run_id = client.new_run(
        experiment_id=experiment, run_name="first", start_time=BEGAN, tags=[{"key": "a", "value": "b"}]
    )
    points = [("NaN", 1), ("Infinity", 2), (0.5, 3)]
    metrics = [
        {"key": "loss", "value": value, "timestamp": BEGAN + step, "step": step} for value, step in points
    ]
    client.post("runs/log-batch", run_id=run_id, metrics=metrics, params=[{"key": "lr", "value": "1"}])
    run = client.run(run_id)
    client.put_artifact(run, "model/MLmodel", b"flavors: {}\n")
    client.put_artifact(run, quote("deep/er/é x.txt"), b"1")
    client.post("runs/update", run_id=run_id, status="FAILED", end_time=BEGAN + 9)
    gone = client.new_run(experiment_id=experiment, start_time=BEGAN)
    client.post("runs/delete", run_id=gone)
    client.post("registered-models/create", name=f"net-{mark}", description="d")
    client.post("model-versions/create", name=f"net-{mark}", source=f"runs:/{run_id}/model", run_id=run_id)
    client.post("registered-models/alias", name=f"net-{mark}", alias="best", version="1")
    report = workspace.import_mlflow(address)
    assert report.whole
    assert [note for note in report.notes if "its id here is" not in note.said] == []  # others have taken it
    assert (report.runs, report.versions, report.files) == (Counts(there=2, new=2), Counts(there=1, new=1), 3)
    assert history_of(workspace, run_id, "loss") == [(BEGAN + step, step, value) for value, step in points]
    assert workspace.get_run(run_id).get_file_names() == ["deep/er/é x.txt", "model/MLmodel"]
    found = run_of(workspace, run_id)
    assert [found["info"][name] for name in ("status", "run_name", "start_time", "end_time")] == [
        *("FAILED", "first", BEGAN, BEGAN + 9),
    ]
    assert as_mapping(found["data"]["tags"])["a"] == "b"
    assert run_of(workspace, gone)["info"]["lifecycle_stage"] == "deleted"
    model = told(workspace, "registered-models/alias", name=f"net-{mark}", alias="best")["model_version"]
    assert (model["source"], model["run_id"]) == (f"runs:/{run_id}/model", run_id)
    again = workspace.import_mlflow(address)
    assert (again.runs.here, again.models.here, again.versions.here) == (2, 1, 1)


def test_what_speaks_no_such_protocol(
    workspace: Workspace, server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = server.client()
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", client.headers["Authorization"].removeprefix("Bearer "))
    with pytest.raises(UserErrorException, match="Is that MLflow's address"):
        workspace.import_mlflow(f"http://127.0.0.1:{client.port}/elsewhere")
    with pytest.raises(UserErrorException, match="no address of a server"):
        workspace.import_mlflow("http://")
