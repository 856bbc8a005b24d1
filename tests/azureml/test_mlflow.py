"""v1's words for MLflow: its client logs into the workspace, and its runs are v1's."""

from __future__ import annotations

import json
import os
import urllib.request
from types import SimpleNamespace
from typing import Any

import pytest
from azureml import mlflow

from faena_azureml.workspace import Workspace
from tests.script.conftest import RunHere


def post(address: str, token: str, path: str, **fields: Any) -> Any:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    request = urllib.request.Request(
        f"{address}/api/2.0/mlflow/{path}", json.dumps(fields).encode(), headers, method="POST"
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def test_a_run_of_mlflows_client_is_one_of_v1s(
    lasting_ws: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("MLFLOW_TRACKING_TOKEN", "FAENA_MLFLOW_URI"):
        monkeypatch.setenv(name, "")
    try:
        address = mlflow.get_mlflow_tracking_uri(lasting_ws)
        token = os.environ["MLFLOW_TRACKING_TOKEN"]
        made = post(address, token, "runs/create", experiment_id="0", run_name="by MLflow")["run"]["info"]
        run = lasting_ws.get_run(made["run_id"])
        assert (run.experiment.name, run.display_name) == ("Default", "by MLflow")
        monkeypatch.setattr(Workspace, "from_config", lambda *_: lasting_ws)
        theirs = SimpleNamespace(info=SimpleNamespace(run_id=run.id))  # as much of one as is looked at
        post(address, token, "runs/update", run_id=run.id, status="FINISHED")
        assert mlflow.get_portal_url(theirs) == mlflow.get_portal_url(run)
    finally:
        lasting_ws.api.gateway.close()


def test_the_plug_in_can_be_imported_where_the_client_cannot_be_loaded(here: RunHere) -> None:
    out, _ = here.run("import azureml.mlflow\nprint(azureml.mlflow.VERSION)")
    assert out.endswith("+faena\n") or here.loads_client
