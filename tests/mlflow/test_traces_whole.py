"""Traces by the third version of MLflow's protocol, and what is said of them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.mlflow.clients import Client

PERSON = {"source_type": "HUMAN", "source_id": "ann"}


def told(client: Client, trace_id: str, experiment: str = "0", **fields: Any) -> Any:
    info = {
        "trace_id": trace_id,
        "trace_location": {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": experiment}},
        "request_time": "2026-01-31T12:00:00Z",
        "execution_duration": "0.250s",
        "state": "OK",
        **fields,
    }
    return client.post("traces", api="3.0", trace={"trace_info": info})["trace"]["trace_info"]


def info(client: Client, trace_id: str) -> Any:
    return client.get(f"traces/{trace_id}", api="3.0")["trace"]["trace_info"]


def said(client: Client, trace_id: str, **fields: Any) -> Any:
    assessment = {"assessment_name": "good", "source": PERSON, **fields}
    return client.post(f"traces/{trace_id}/assessments", api="3.0", assessment=assessment)["assessment"]


def found(client: Client, experiment: str, **asked: Any) -> list[str]:
    where = [{"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": experiment}}]
    answer = client.post("traces/search", api="3.0", locations=where, **asked)
    return [each["trace_id"] for each in answer["traces"]]


def test_a_trace_is_told_as_a_whole(client: Client) -> None:
    begun = told(
        client,
        "tr-1",
        client_request_id="mine",
        request_preview="ask",
        response_preview="answer",
        trace_metadata={"m": "x"},
        tags={"a": "1"},
        assessments=[{"assessment_name": "good", "feedback": {"value": True}, "source": PERSON}],
    )
    assert begun == info(client, "tr-1")
    assert (begun["client_request_id"], begun["request_preview"], begun["response_preview"]) == (
        "mine",
        "ask",
        "answer",
    )
    assert (begun["request_time"], begun["execution_duration"]) == ("2026-01-31T12:00:00.000Z", "0.250s")
    assert (begun["trace_metadata"], begun["tags"]["a"]) == ({"m": "x"}, "1")
    [feedback] = begun["assessments"]
    assert (feedback["feedback"], feedback["source"]) == ({"value": True}, PERSON)
    again = told(client, "tr-1", state="ERROR", tags={"b": "2"})
    assert (again["state"], again["tags"]["a"], again["tags"]["b"]) == ("ERROR", "1", "2")
    old = client.get("traces/tr-1/info")["trace_info"]
    assert (old["request_id"], old["status"], old["execution_time_ms"]) == ("tr-1", "ERROR", 250)
    assert len(client.post("traces/batchGetInfos", api="3.0", trace_ids=["tr-1", "tr-x"])["trace_infos"]) == 1


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"request_time": "soon"}, "request_time"),
        ({"request_time": "1969-01-01T00:00:00Z"}, "request_time"),
        ({"execution_duration": "1 day"}, "execution_duration"),
        ({"state": "SAD"}, "state"),
        ({"trace_id": "a/b"}, "trace_id"),
        ({"trace_id": ""}, "trace_id"),
        ({"trace_location": {}}, "experiment"),
        ({"client_request_id": "x" * 256}, "256"),
        ({"assessments": [{"assessment_name": "a"}]}, "feedback"),
    ],
)
def test_what_is_no_trace_is_refused(client: Client, fields: dict[str, Any], says: str) -> None:
    where = {"mlflow_experiment": {"experiment_id": "0"}}
    asked = {"trace_info": {"trace_id": "tr-wrong", "trace_location": where, **fields}}
    status, code, message = client.refused("traces", api="3.0", trace=asked)
    assert (status, code) == (400, "INVALID_PARAMETER_VALUE")
    assert says in message


def test_they_are_found_page_by_page(client: Client) -> None:
    experiment = client.post("experiments/create", name="whole traces")["experiment_id"]
    for number in range(3):
        told(client, f"tr-page-{number}", experiment, request_time=f"2026-01-31T12:00:0{number}Z")
    where = [{"mlflow_experiment": {"experiment_id": experiment}}]
    first = client.post("traces/search", api="3.0", locations=where, max_results=2)
    rest = client.post("traces/search", api="3.0", locations=where, page_token=first["next_page_token"])
    ids = [each["trace_id"] for each in (*first["traces"], *rest["traces"])]
    assert ids == ["tr-page-2", "tr-page-1", "tr-page-0"]
    assert "next_page_token" not in rest
    assert client.post("traces/search", api="3.0", locations=[]) == {"traces": []}
    assert client.refused("traces/search", api="3.0")[0] == 400
    assert found(client, experiment, filter="end_time > 1769860801000", order_by=["timestamp ASC"]) == [
        "tr-page-1",
        "tr-page-2",
    ]


def test_tags_and_deletion_are_those_of_the_second_version(client: Client) -> None:
    told(client, "tr-tagged")
    assert client.send("PATCH", "traces/tr-tagged/tags", api="3.0", key="a", value="1").status == 200
    assert info(client, "tr-tagged")["tags"]["a"] == "1"
    assert client.send("DELETE", "traces/tr-tagged/tags", api="3.0", key="a").status == 200
    assert "a" not in info(client, "tr-tagged")["tags"]
    said(client, "tr-tagged", feedback={"value": 1})
    gone = client.post("traces/delete-traces", api="3.0", experiment_id="0", request_ids=["tr-tagged"])
    assert gone == {"traces_deleted": 1}
    assert client.ask("traces/tr-tagged", api="3.0").status == 404


@pytest.mark.parametrize("key", ["mlflow.trace.spansLocation", "mlflow.artifactLocation", "k" * 251])
def test_tags_that_say_where_spans_are_stay(client: Client, key: str) -> None:
    told(client, "tr-fixed")
    for api in ("2.0", "3.0"):
        assert client.send("PATCH", "traces/tr-fixed/tags", api=api, key=key, value="x").status == 400
    assert client.send("DELETE", "traces/tr-fixed/tags", key=key).status in (400, 404)


def test_traces_are_put_to_a_run(client: Client) -> None:
    told(client, "tr-linked")
    run_id = client.new_run()
    assert client.post("traces/link-to-run", trace_ids=["tr-linked", "tr-none"], run_id=run_id) == {}
    assert found(client, "0", filter=f"attributes.run_id = '{run_id}'") == ["tr-linked"]
    assert client.refused("traces/link-to-run", trace_ids=["t"] * 101, run_id=run_id)[0] == 400
    prompts = [{"name": "ask", "version": "2"}]
    assert client.post("traces/link-prompts", trace_id="tr-linked", prompt_versions=prompts) == {}
    assert found(client, "0", filter="prompt = 'ask/2'") == ["tr-linked"]
    assert found(client, "0", filter="prompt = 'ask/1'") == []


@pytest.mark.parametrize("value", [True, 0.5, "fine", ["a", 1], {"a": {"b": None}}, None])
def test_feedback_is_any_value(client: Client, value: Any) -> None:
    told(client, "tr-feedback")
    made = said(client, "tr-feedback", feedback={"value": value}, rationale="why", metadata={"k": "v"})
    one = f"traces/tr-feedback/assessments/{made['assessment_id']}"
    assert client.get(one, api="3.0")["assessment"] == made
    assert (made["feedback"]["value"], made["rationale"], made["metadata"]) == (value, "why", {"k": "v"})
    assert made["valid"] is True


def test_an_expectation_of_many_parts_goes_as_text(client: Client) -> None:
    told(client, "tr-expected")
    text = {"value": '{"a": [1, 2]}', "serialization_format": "JSON_FORMAT"}
    made = said(client, "tr-expected", expectation={"serialized_value": text})
    assert made["expectation"]["serialized_value"]["value"] == '{"a":[1,2]}'
    assert said(client, "tr-expected", expectation={"value": "x"})["expectation"] == {"value": "x"}


def test_an_assessment_is_changed_where_the_mask_says(client: Client) -> None:
    told(client, "tr-changed")
    made = said(client, "tr-changed", feedback={"value": 1}, rationale="a", metadata={"x": "1"})
    one = f"traces/tr-changed/assessments/{made['assessment_id']}"
    change = {"assessment_name": "other", "feedback": {"value": 2}, "rationale": "b", "metadata": {"y": "2"}}
    mask = "assessmentName,feedback,metadata"
    after = client.send("PATCH", one, api="3.0", assessment=change, update_mask=mask).json["assessment"]
    assert (after["assessment_name"], after["feedback"]) == ("other", {"value": 2})
    assert (after["rationale"], after["metadata"]) == ("a", {"x": "1", "y": "2"})
    assert after["source"] == PERSON
    wrong = {"expectation": {"value": 1}}
    assert client.send("PATCH", one, api="3.0", assessment=wrong, update_mask="expectation").status == 400


def test_one_assessment_takes_the_place_of_another(client: Client) -> None:
    told(client, "tr-over")
    first = said(client, "tr-over", feedback={"value": False})
    second = said(client, "tr-over", feedback={"value": True}, overrides=first["assessment_id"])
    valid = {each["assessment_id"]: each["valid"] for each in info(client, "tr-over")["assessments"]}
    assert valid == {first["assessment_id"]: False, second["assessment_id"]: True}
    one = f"traces/tr-over/assessments/{second['assessment_id']}"
    assert [client.send("DELETE", one, api="3.0").status for _ in range(2)] == [200, 200]
    [left] = info(client, "tr-over")["assessments"]
    assert left["valid"] is True
    wrong = {"assessment_name": "x", "feedback": {"value": 1}, "overrides": "a-none"}
    assert client.refused("traces/tr-over/assessments", api="3.0", assessment=wrong)[0] == 404


def test_traces_are_found_by_what_was_said(client: Client) -> None:
    experiment = client.post("experiments/create", name="assessed")["experiment_id"]
    for number, value in enumerate((0.9, "fine", True)):
        told(client, f"tr-said-{number}", experiment, request_time=f"2026-01-31T12:00:0{number}Z")
        said(client, f"tr-said-{number}", feedback={"value": value})
    told(client, "tr-said-3", experiment, request_time="2026-01-31T12:00:03Z")
    said(client, "tr-said-3", expectation={"value": "fine"})

    def numbers(text: str) -> list[int]:
        return sorted(int(each[-1]) for each in found(client, experiment, filter=text))

    assert numbers("feedback.good > 0.5") == [0]
    assert numbers("feedback.good = 0.9") == [0]
    assert numbers("feedback.good = 'fine'") == [1]
    assert numbers("feedback.good = 'true'") == [2]
    assert numbers("feedback.good IS NULL") == [3]
    assert numbers("feedback.good IS NOT NULL") == [0, 1, 2]
    assert numbers("expectation.good = 'fine'") == [3]
    assert numbers("feedback.good LIKE '%in%'") == [1]
    assert numbers("feedback.good ILIKE '%FINE%'") == [1]


def test_a_server_says_what_it_speaks(client: Client) -> None:
    assert client.visitor.get("/version").text == "3.17.2"
    assert client.get("server-info", api="3.0")["multipart_uploads_enabled"] is False
