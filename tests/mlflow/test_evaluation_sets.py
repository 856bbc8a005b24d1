"""Evaluation sets in MLflow's words: records as JSON in JSON, one for each input."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.mlflow.clients import Client


def made(client: Client, name: str, **fields: Any) -> Any:
    return client.post("datasets/create", api="3.0", name=name, **fields)["dataset"]


def told(client: Client, set_id: str, *records: Any) -> Any:
    return client.post(f"datasets/{set_id}/records", api="3.0", records=json.dumps(records))


def records(client: Client, set_id: str, **asked: Any) -> Any:
    answer = client.get(f"datasets/{set_id}/records", api="3.0", **asked)
    return json.loads(answer["records"]), answer.get("next_page_token")


def shown(client: Client, set_id: str) -> Any:
    return client.get(f"datasets/{set_id}", api="3.0")["dataset"]


def test_a_set_is_made_tagged_and_deleted(client: Client) -> None:
    tags = json.dumps({"team": "a", "mlflow.user": "ann", "n": 5})
    new = made(client, "questions", tags=tags, experiment_ids=["0"])
    assert (new["name"], new["created_by"], new["experiment_ids"]) == ("questions", "ann", ["0"])
    assert json.loads(new["tags"]) == {"team": "a", "mlflow.user": "ann", "n": "5"}
    one = f"datasets/{new['dataset_id']}"
    assert client.send("PATCH", f"{one}/tags", api="3.0", tags='{"b": "2", "c": null}').status == 200
    assert client.send("DELETE", f"{one}/tags/team", api="3.0").status == 200
    assert json.loads(shown(client, new["dataset_id"])["tags"]) == {"mlflow.user": "ann", "n": "5", "b": "2"}
    assert [client.send("DELETE", one, api="3.0").status for _ in range(2)] == [200, 200]
    assert client.ask(one, api="3.0").status == 404


def test_a_record_is_known_by_its_inputs(client: Client) -> None:
    set_id = made(client, "records")["dataset_id"]
    source = {"source_type": "TRACE", "source_data": {"trace_id": "tr-1"}}
    first = {"inputs": {"q": "a", "n": 1}, "expectations": {"x": 1}, "tags": {"t": "1"}, "source": source}
    assert told(client, set_id, first, {"inputs": {"q": "b"}}) == {"inserted_count": 2, "updated_count": 0}
    again = {"inputs": {"n": 1, "q": "a"}, "expectations": {"y": 2.5}, "outputs": "o", "tags": {"u": "2"}}
    assert told(client, set_id, again, {"inputs": {"q": "b"}, "outputs": [1]}) == {
        "inserted_count": 0,
        "updated_count": 2,
    }
    found, more = records(client, set_id)
    [one] = [each for each in found if each["inputs"]["q"] == "a"]
    assert (one["expectations"], one["outputs"], one["tags"]) == (
        {"x": 1, "y": 2.5},
        "o",
        {"t": "1", "u": "2"},
    )
    assert (one["source"], one["source_id"], one["source_type"]) == (source, "tr-1", "TRACE")
    assert more is None
    kept = shown(client, set_id)
    assert json.loads(kept["schema"])["inputs"] == {"q": "string", "n": "integer"}
    assert json.loads(kept["profile"]) == {"num_records": 2}
    path = f"datasets/{set_id}/records"
    gone = client.send("DELETE", path, api="3.0", dataset_record_ids=[one["dataset_record_id"], "none"])
    assert gone.json == {"deleted_count": 1}
    assert json.loads(shown(client, set_id)["profile"]) == {"num_records": 1}


def test_records_come_page_by_page(client: Client) -> None:
    set_id = made(client, "many")["dataset_id"]
    told(client, set_id, *({"inputs": {"n": number}} for number in range(5)))
    first, token = records(client, set_id, max_results=3)
    rest, end = records(client, set_id, max_results=3, page_token=token)
    assert sorted(each["inputs"]["n"] for each in first + rest) == list(range(5))
    assert end is None


def test_sets_are_found(client: Client) -> None:
    experiment = client.post("experiments/create", name="with sets")["experiment_id"]
    one = made(client, "find me", experiment_ids=[experiment], tags='{"k": "v"}')["dataset_id"]
    two = made(client, "find you")["dataset_id"]

    def found(**asked: Any) -> list[str]:
        answer = client.post("datasets/search", api="3.0", **asked)
        return [each["dataset_id"] for each in answer["datasets"]]

    assert found(filter_string="name LIKE 'find%'", order_by=["name ASC"]) == [one, two]
    assert found(filter_string="name LIKE 'find%' AND tags.k = 'v'") == [one]
    assert found(experiment_ids=[experiment]) == [one]
    assert client.post(f"datasets/{two}/add-experiments", api="3.0", experiment_ids=[experiment])["dataset"]
    assert found(experiment_ids=[experiment], order_by=["name DESC"]) == [two, one]
    client.post(f"datasets/{one}/remove-experiments", api="3.0", experiment_ids=[experiment])
    assert client.get(f"datasets/{two}/experiment-ids", api="3.0") == {"experiment_ids": [experiment]}
    assert client.get(f"datasets/{one}/experiment-ids", api="3.0") == {"experiment_ids": []}
    first = client.post("datasets/search", api="3.0", filter_string="name LIKE 'find%'", max_results=1)
    assert found(filter_string="name LIKE 'find%'", page_token=first["next_page_token"]) == [one]


@pytest.mark.parametrize(
    ("path", "fields", "status"),
    [
        ("datasets/create", {}, 400),
        ("datasets/create", {"name": "x" * 256}, 400),
        ("datasets/create", {"name": "x", "tags": "["}, 400),
        ("datasets/create", {"name": "x", "tags": '{"": "v"}'}, 400),
        ("datasets/create", {"name": "x", "experiment_ids": ["a"]}, 400),
        ("datasets/d-none/records", {"records": "[]"}, 404),
        ("datasets/d-none/records", {"records": "{}"}, 400),
        ("datasets/d-none/records", {"records": '[{"inputs": 1}]'}, 400),
        ("datasets/d-none/add-experiments", {"experiment_ids": ["0"]}, 404),
        ("datasets/search", {"filter_string": "colour = 'red'"}, 400),
        ("datasets/search", {"order_by": ["colour"]}, 400),
        ("datasets/search", {"max_results": 50_001}, 400),
    ],
)
def test_what_cannot_be_is_refused(client: Client, path: str, fields: Any, status: int) -> None:
    assert client.refused(path, api="3.0", **fields)[0] == status
