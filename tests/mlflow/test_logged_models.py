"""Models that runs log, with files, parameters, tags and metrics of their own; what runs used and made."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from faena.db import Write
from faena.kernel import ids
from faena.models import service
from faena.models.schemas import ModelView, Registration
from tests.mlflow.clients import Client
from tests.server.house import Running


@pytest.fixture(scope="module")
def run(client: Client) -> Any:
    return client.run(client.new_run())


def new_model(client: Client, run: Any, **fields: Any) -> Any:
    given = {"experiment_id": "0", "source_run_id": run["info"]["run_id"], **fields}
    return client.post("logged-models", **given)["model"]


def patch(client: Client, path: str, /, **fields: Any) -> Any:
    answer = client.send("PATCH", path, **fields)
    assert answer.status == 200, answer.text
    return answer.json


def test_a_model_from_its_beginning_to_its_end(client: Client, run: Any) -> None:
    made = new_model(client, run, name="net", params=[{"key": "depth", "value": "3"}])
    model_id = made["info"]["model_id"]
    assert made["info"]["status"] == "LOGGED_MODEL_PENDING"
    where = made["info"]["artifact_uri"].removeprefix("mlflow-artifacts:/")
    sent = client.visitor.ask(
        "PUT", f"/api/2.0/mlflow-artifacts/artifacts/{where}/data/weights.bin", b"12345"
    )
    assert sent.status == 200
    point = {"key": "acc", "value": 0.5, "timestamp": 1, "step": 2, "model_id": model_id}
    client.post("runs/log-metric", run_id=run["info"]["run_id"], **point)
    patch(client, f"logged-models/{model_id}", status="LOGGED_MODEL_READY")
    patch(client, f"logged-models/{model_id}/tags", tags=[{"key": "team", "value": "a"}])

    shown = client.get(f"logged-models/{model_id}")["model"]
    assert shown["info"]["status"] == "LOGGED_MODEL_READY"
    assert shown["info"]["tags"] == [{"key": "team", "value": "a"}]
    assert shown["data"]["params"] == [{"key": "depth", "value": "3"}]
    assert [(each["key"], each["value"], each["step"]) for each in shown["data"]["metrics"]] == [
        ("acc", 0.5, 2)
    ]
    listed = client.get(f"logged-models/{model_id}/artifacts/directories", artifact_directory_path="data")
    assert listed["files"] == [{"path": "data/weights.bin", "is_dir": False, "file_size": 5}]
    of_run = client.run(run["info"]["run_id"])["data"]["metrics"]
    assert [(each["key"], each["value"]) for each in of_run] == [("acc", 0.5)]


def test_a_parameter_that_was_logged_stays(client: Client, run: Any) -> None:
    model_id = new_model(client, run, name="net", params=[{"key": "depth", "value": "3"}])["info"]["model_id"]
    path = f"logged-models/{model_id}/params"
    client.post(path, params=[{"key": "depth", "value": "3"}, {"key": "width", "value": "9"}])
    refused = client.refused(path, params=[{"key": "depth", "value": "4"}])
    assert refused[0] == 400
    shown = client.get(f"logged-models/{model_id}")["model"]["data"]["params"]
    assert {each["key"]: each["value"] for each in shown} == {"depth": "3", "width": "9"}


def test_our_words_register_it_as_a_file_of_its_run(client: Client, server: Running) -> None:
    run = client.run(client.new_run())
    for content in (b"first", b"second"):  # the latest of a name is meant
        made = new_model(client, run, name="net")
        assert client.put_artifact(made, "MLmodel", b"flavors: {}").status == 200
        assert client.put_artifact(made, "data/w.bin", content).status == 200

    def register(write: Write) -> ModelView:
        asked = Registration(run["info"]["run_id"], "net")
        return service.register(write, "from a run", ids.new_request_id(), asked, 1)

    view = server.do(server.house.database.write(register))
    digest = hashlib.sha256(b"second").hexdigest()
    assert [file.path for file in view.files] == ["net/MLmodel", "net/data/w.bin"]
    assert (view.files[1].digest, view.run_id) == (digest, run["info"]["run_id"])
    address = client.get("model-versions/get-download-uri", name="from a run", version=1)["artifact_uri"]
    place = address.removeprefix("mlflow-artifacts:/")
    answer = client.visitor.get(f"/api/2.0/mlflow-artifacts/artifacts/{place}/data/w.bin")
    assert answer.text == "second"


def test_one_that_is_deleted_is_not_there(client: Client, run: Any) -> None:
    model_id = new_model(client, run)["info"]["model_id"]
    assert client.send("DELETE", f"logged-models/{model_id}").status == 200
    assert client.send("DELETE", f"logged-models/{model_id}").status == 200
    gone = client.ask(f"logged-models/{model_id}")
    assert (gone.status, gone.json["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST")


def test_models_are_found_by_what_was_measured_of_them(client: Client) -> None:
    experiment = client.post("experiments/create", name="measured models")["experiment_id"]
    run = client.run(client.new_run(experiment_id=experiment))
    for name, value in (("a", 0.1), ("b", 0.9), ("c", 0.5)):
        made = new_model(client, run, experiment_id=experiment, name=name)
        client.post(
            "runs/log-batch",
            run_id=run["info"]["run_id"],
            metrics=[{"key": "acc", "value": value, "timestamp": 1, "model_id": made["info"]["model_id"]}],
        )

    def names(**asked: Any) -> list[str]:
        found = client.post("logged-models/search", experiment_ids=[experiment], **asked)
        return [each["info"]["name"] for each in found["models"]]

    assert names(filter="metrics.acc > 0.4") == ["c", "b"]
    assert names(order_by=[{"field_name": "metrics.acc", "ascending": True}]) == ["a", "c", "b"]
    assert names(filter="name = 'a'") == ["a"]
    assert names(max_results=2) == ["c", "b"]


def test_data_sets_and_models_that_a_run_used_and_made(client: Client) -> None:
    run_id = client.new_run()
    run = client.run(run_id)
    used, made = (new_model(client, run)["info"]["model_id"] for _ in range(2))
    dataset = {"name": "cats", "digest": "abc", "source_type": "http", "source": "{}"}
    tags = [{"key": "mlflow.data.context", "value": "training"}]
    for _ in range(2):
        client.post(
            "runs/log-inputs",
            run_id=run_id,
            datasets=[{"dataset": dataset, "tags": tags}],
            models=[{"model_id": used}],
        )
    client.post("runs/outputs", run_id=run_id, models=[{"model_id": made, "step": 3}])
    shown = client.run(run_id)
    assert shown["inputs"] == {
        "dataset_inputs": [{"tags": tags, "dataset": dataset}],
        "model_inputs": [{"model_id": used}],
    }
    assert shown["outputs"] == {"model_outputs": [{"model_id": made, "step": 3}]}
    text = "dataset.name = 'cats' and datasets.context = 'training'"
    found = client.post("runs/search", experiment_ids=["0"], filter=text)["runs"]
    assert [each["info"]["run_id"] for each in found] == [run_id]


def test_a_file_as_mlflows_page_asks_for_it(client: Client, run: Any) -> None:
    made = new_model(client, run)["info"]
    where = made["artifact_uri"].removeprefix("mlflow-artifacts:/")
    client.visitor.ask("PUT", f"/api/2.0/mlflow-artifacts/artifacts/{where}/MLmodel", b"flavors: {}")
    page = f"/ajax-api/2.0/mlflow/logged-models/{made['model_id']}/artifacts/files"
    assert client.visitor.get(f"{page}?artifact_file_path=MLmodel").text == "flavors: {}"
    assert client.visitor.get(f"{page}?artifact_file_path=../x").json["message"] == "Invalid path"
    assert "artifact_file_path" in client.visitor.get(page).json["message"]


def test_a_source_run_may_be_one_that_is_not_here(client: Client, run: Any) -> None:
    made = new_model(client, run, source_run_id="of elsewhere")["info"]
    assert (made["source_run_id"], made["tags"]) == ("of elsewhere", [])
    found = client.post(
        "logged-models/search", experiment_ids=["0"], filter="source_run_id = 'of elsewhere'"
    )["models"]
    assert [each["info"]["model_id"] for each in found] == [made["model_id"]]


def test_a_search_may_be_for_a_data_set_alone(client: Client, run: Any) -> None:
    model, _ = new_model(client, run)["info"]["model_id"], new_model(client, run)
    point = {"key": "acc", "value": 1, "timestamp": 1, "dataset_name": "of this", "dataset_digest": "1"}
    client.post("runs/log-metric", run_id=run["info"]["run_id"], model_id=model, **point)
    found = client.post("logged-models/search", experiment_ids=["0"], datasets=[{"dataset_name": "of this"}])
    assert [each["info"]["model_id"] for each in found["models"]] == [model]


def test_a_search_says_where(client: Client) -> None:
    search = "logged-models/search"
    assert "parameter 'experiment_ids'" in client.refused(search)[2]
    assert "`dataset_name`" in client.refused(search, experiment_ids=["0"], datasets=[{}])[2]
