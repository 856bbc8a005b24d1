"""What a run's token reaches of evaluation sets."""

from __future__ import annotations

import json
from typing import Any

from tests.mlflow.clients import Client
from tests.mlflow.test_evaluation_sets import made, records, shown, told
from tests.mlflow.test_in_runs import in_run
from tests.server.house import Running


def test_a_script_reads_all_and_adds_to_those_of_its_experiment(
    server: Running, client: Client, own: str, other: Any
) -> None:
    script = in_run(server, own)
    experiment = client.run(own)["info"]["experiment_id"]
    mine = made(script, "of a script")
    assert mine["experiment_ids"] == [experiment]
    told(script, mine["dataset_id"], {"inputs": {"q": 1}})
    assert (
        script.send("PATCH", f"datasets/{mine['dataset_id']}/tags", api="3.0", tags='{"a": "1"}').status
        == 200
    )
    theirs = made(client, "theirs", experiment_ids=[other["info"]["experiment_id"]])
    told(client, theirs["dataset_id"], {"inputs": {"q": 2}})
    assert [each["inputs"] for each in records(script, theirs["dataset_id"])[0]] == [{"q": 2}]
    assert shown(script, theirs["dataset_id"])["name"] == "theirs"
    found = script.post("datasets/search", api="3.0", experiment_ids=[experiment])["datasets"]
    assert [each["name"] for each in found] == ["of a script"]
    one = f"datasets/{theirs['dataset_id']}"
    asked = {"records": json.dumps([{"inputs": {"q": 3}}])}
    refused = (
        script.send("POST", f"{one}/records", api="3.0", **asked),
        script.send("PATCH", f"{one}/tags", api="3.0", tags='{"a": "1"}'),
        script.send("POST", f"{one}/add-experiments", api="3.0", experiment_ids=[experiment]),
        script.send("DELETE", one, api="3.0"),
        script.send("DELETE", f"datasets/{mine['dataset_id']}", api="3.0"),
        script.send("POST", "datasets/create", api="3.0", name="x", experiment_ids=["0"]),
    )
    assert [each.status for each in refused] == [403] * len(refused)
    assert len(records(client, theirs["dataset_id"])[0]) == 1


def test_old_clients_ask_by_the_routes_of_their_time(client: Client) -> None:
    made_by_old = client.visitor.ask(
        "POST",
        "/api/2.0/preview/mlflow/registered-models/create",
        b'{"name": "of an old client"}',
        Content_Type="application/json",
    )
    assert made_by_old.json["registered_model"]["name"] == "of an old client"
    there = client.visitor.get("/api/2.0/preview/mlflow/registered-models/get?name=of%20an%20old%20client")
    assert there.status == 200
    assert client.visitor.get("/api/2.0/preview/registered-models/get?name=x").status == 404
