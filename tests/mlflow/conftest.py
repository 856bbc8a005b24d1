"""A server of a module's own, and what its tests find there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.mlflow.clients import Client
from tests.server.house import Running, running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("mlflow")) as found:
        yield found


@pytest.fixture(scope="module")
def client(server: Running) -> Client:
    return Client(server.client())


@pytest.fixture(scope="module")
def own(client: Client) -> str:
    experiment = client.post("experiments/create", name="of the run")
    return client.new_run(**experiment)


@pytest.fixture(scope="module")
def other(client: Client) -> Any:
    """A run of another experiment, with something of each kind."""
    experiment = client.post("experiments/create", name="of another run", tags=[{"key": "t", "value": "v"}])
    run = client.new_run(**experiment, run_name="another run")
    client.post("runs/log-metric", run_id=run, key="loss", value=1, timestamp=1)
    client.post("runs/set-tag", run_id=run, key="t", value="v")
    assert client.put_artifact(client.run(run), "a.txt", b"theirs").status == 200
    return client.run(run)


@pytest.fixture(scope="module")
def its_model(client: Client, other: Any) -> Any:
    info = other["info"]
    made = client.post(
        "logged-models", experiment_id=info["experiment_id"], source_run_id=info["run_id"], name="theirs"
    )
    return made["model"]


@pytest.fixture(scope="module")
def its_trace(client: Client, other: Any) -> str:
    info = other["info"]
    metadata = [{"key": "mlflow.sourceRun", "value": info["run_id"]}]
    made = client.post(
        "traces", experiment_id=info["experiment_id"], timestamp_ms=1, request_metadata=metadata
    )
    return str(made["trace_info"]["request_id"])
