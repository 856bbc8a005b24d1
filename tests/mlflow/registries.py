"""Models and versions that tests of the registry begin with."""

from __future__ import annotations

from typing import Any

from tests.mlflow.clients import Client

MODELS, VERSIONS = "registered-models", "model-versions"


def made(client: Client, name: str, count: int = 0, **fields: Any) -> str:
    """A model with so many versions."""
    client.post(f"{MODELS}/create", name=name, **fields)
    for _ in range(count):
        client.post(f"{VERSIONS}/create", name=name, source="s3://bucket/m")
    return name


def of_run(client: Client, name: str) -> tuple[str, Any]:
    """The first version of a model, made of a folder of a run."""
    run = client.run(client.new_run(user_id="ann"))
    for path, data in (
        ("model/MLmodel", b"flavors: {}"),
        ("model/data/w.bin", b"weights"),
        ("log.txt", b"x"),
    ):
        assert client.put_artifact(run, path, data).status == 200
    made(client, name)
    source = f"{run['info']['artifact_uri']}/model"
    run_id = run["info"]["run_id"]
    answer = client.post(f"{VERSIONS}/create", name=name, source=source, run_id=run_id)
    return source, answer["model_version"]


def version(client: Client, name: str, number: int | str = 1) -> Any:
    return client.get(f"{VERSIONS}/get", name=name, version=number)["model_version"]


def model(client: Client, name: str) -> Any:
    return client.get(f"{MODELS}/get", name=name)["registered_model"]
