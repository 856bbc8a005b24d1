"""Traces by the second version of MLflow's protocol, to which clients of the third fall back."""

from __future__ import annotations

from typing import Any

import pytest

from tests.mlflow.clients import Client


def started(client: Client, experiment: str = "0", **fields: Any) -> Any:
    return client.post("traces", experiment_id=experiment, **{"timestamp_ms": 1000, **fields})["trace_info"]


def ended(client: Client, trace_id: str, **fields: Any) -> Any:
    answer = client.send("PATCH", f"traces/{trace_id}", **{"timestamp_ms": 3000, "status": "OK", **fields})
    assert answer.status == 200, answer.text
    return answer.json["trace_info"]


def plain(given: list[dict[str, str]]) -> dict[str, str]:
    return {each["key"]: each["value"] for each in given if not each["key"].startswith("mlflow.")}


def pairs(**values: str) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in values.items()]


def test_a_trace_from_its_beginning_to_its_end(client: Client) -> None:
    begun = started(client, tags=pairs(a="1", b="2"), request_metadata=pairs(m="x"))
    assert (begun["status"], begun["execution_time_ms"]) == ("IN_PROGRESS", 0)
    done = ended(client, begun["request_id"], tags=pairs(a="3"), request_metadata=pairs(n="y"))
    assert (done["status"], done["execution_time_ms"]) == ("OK", 2000)
    assert plain(done["tags"]) == {"a": "3", "b": "2"}
    assert plain(done["request_metadata"]) == {"m": "x", "n": "y"}
    assert client.get(f"traces/{begun['request_id']}/info")["trace_info"] == done


def test_its_spans_are_a_file_of_its_own(client: Client) -> None:
    trace = started(client)
    [where] = [each["value"] for each in trace["tags"] if each["key"] == "mlflow.artifactLocation"]
    address = f"/api/2.0/mlflow-artifacts/artifacts/{where.removeprefix('mlflow-artifacts:/')}/traces.json"
    assert client.visitor.ask("PUT", address, b'{"spans": []}').status == 200
    assert client.visitor.get(address).text == '{"spans": []}'


def test_they_are_found_and_ordered(client: Client) -> None:
    experiment = client.post("experiments/create", name="traced")["experiment_id"]
    ids = []
    for number, status in enumerate(("OK", "OK", "ERROR")):
        trace = started(client, experiment, timestamp_ms=1000 + number, tags=pairs(kind=str(number)))
        ended(client, trace["request_id"], status=status)
        ids.append(trace["request_id"])

    def found(**asked: Any) -> list[int]:
        answer = client.get("traces", experiment_ids=[experiment], **asked)
        return [ids.index(each["request_id"]) for each in answer["traces"]]

    assert found() == [2, 1, 0]
    assert found(filter="status = 'OK'", order_by=["timestamp ASC"]) == [0, 1]
    assert found(filter="tag.kind = '2'") == [2]
    assert found(max_results=2) == [2, 1]
    assert found(filter="timestamp_ms > 1001") == [2]


def test_they_are_deleted_by_age_or_by_name(client: Client) -> None:
    experiment = client.post("experiments/create", name="deleted traces")["experiment_id"]
    ids = [started(client, experiment, timestamp_ms=1000 + number)["request_id"] for number in range(4)]
    gone = client.post(
        "traces/delete-traces", experiment_id=experiment, max_timestamp_millis=2000, max_traces=1
    )
    assert gone == {"traces_deleted": 1}
    assert client.ask(f"traces/{ids[0]}/info").status == 404
    gone = client.post("traces/delete-traces", experiment_id=experiment, request_ids=ids[1:3])
    assert gone == {"traces_deleted": 2}
    assert client.refused("traces/delete-traces", experiment_id=experiment)[0] == 400


@pytest.mark.parametrize("verb", ["PATCH", "DELETE"])
def test_a_tag_is_set_and_removed(client: Client, verb: str) -> None:
    trace_id = started(client, tags=pairs(a="1"))["request_id"]
    assert client.send(verb, f"traces/{trace_id}/tags", key="a", value="2").status == 200
    tags = plain(client.get(f"traces/{trace_id}/info")["trace_info"]["tags"])
    assert tags == ({"a": "2"} if verb == "PATCH" else {})
