"""Spans that come by OpenTelemetry's protocol, with and without somebody who tells of their trace."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from typing import Any

import pytest

from tests.mlflow import otlp
from tests.mlflow.clients import Client
from tests.mlflow.otlp import PROTOBUF, TRACE, as_json, as_protobuf, span
from tests.server.house import Answer

CHILD = {"spanId": "00000000000000aa", "parentSpanId": "eee19b7ec3c1b174", "name": "step"}


def sent(
    client: Client, body: bytes, kind: str = "application/json", experiment: str = "0", **headers: str
) -> Answer:
    named = {"x-mlflow-experiment-id": experiment} if experiment else {}
    return client.visitor.ask("POST", "/v1/traces", body, **{"Content-Type": kind, **named, **headers})


def trace(client: Client, trace_id: str = TRACE) -> Any:
    return client.get("traces/get", api="3.0", trace_id=f"tr-{trace_id}", allow_partial="true")["trace"]


def fresh(number: int) -> str:
    return f"{number:032x}"


@pytest.mark.parametrize("form", [as_json, as_protobuf], ids=["json", "protobuf"])
def test_a_trace_is_what_its_spans_say(client: Client, form: Callable[..., bytes]) -> None:
    trace_id = fresh(100 if form is as_json else 101)
    whole = span(
        traceId=trace_id, attributes={"mlflow.spanInputs": "hello", "session.id": "s1"}, status={"code": 2}
    )
    whole["attributes"] += [
        {"key": "n", "value": {"intValue": "-7"}},
        {"key": "x", "value": {"doubleValue": 0.5}},
        {"key": "flag", "value": {"boolValue": True}},
        {"key": "list", "value": {"arrayValue": {"values": [{"stringValue": "é"}]}}},
        {"key": "table", "value": {"kvlistValue": {"values": [{"key": "a", "value": {"intValue": "1"}}]}}},
    ]
    step = span(traceId=trace_id, **{**CHILD, "startTimeUnixNano": "500000000"})
    kind = "application/json" if form is as_json else PROTOBUF
    answer = sent(client, form(step, whole, **{"service.name": "shop", "telemetry.sdk.name": "x"}), kind)
    assert (answer.status, answer.text) == (200, "{}" if form is as_json else "")
    found = trace(client, trace_id)
    info = found["trace_info"]
    assert (info["state"], info["request_time"]) == ("ERROR", "1970-01-01T00:00:00.500Z")
    assert (info["execution_duration"], info["request_preview"]) == ("2.500s", '"hello"')
    assert info["trace_metadata"]["mlflow.trace.session"] == "s1"
    assert (info["tags"]["service.name"], info["tags"]["mlflow.traceName"]) == ("shop", "whole")
    assert "telemetry.sdk.name" not in info["tags"]
    assert [each["name"] for each in found["spans"]] == ["whole", "step"]
    values = {each["key"]: each["value"] for each in found["spans"][0]["attributes"]}
    assert (values["n"], values["x"], values["flag"]) == (
        {"int_value": "-7"},
        {"double_value": 0.5},
        {"bool_value": True},
    )
    assert values["list"] == {"array_value": {"values": [{"string_value": "é"}]}}
    assert values["table"]["kvlist_value"]["values"] == [{"key": "a", "value": {"int_value": "1"}}]


def test_spans_come_in_any_order_and_again(client: Client) -> None:
    trace_id = fresh(200)
    step = span(traceId=trace_id, **{**CHILD, "endTimeUnixNano": "9000000000"})
    for each in (step, step, span(traceId=trace_id)):
        assert sent(client, as_json(each)).status == 200
        states = trace(client, trace_id)["trace_info"]["state"]
        assert states == ("IN_PROGRESS" if each is step else "OK")
    found = trace(client, trace_id)
    assert (found["trace_info"]["execution_duration"], len(found["spans"])) == ("8.000s", 2)


def test_who_tells_of_the_whole_trace_knows_better(client: Client) -> None:
    trace_id = f"tr-{fresh(300)}"
    told = {
        "trace_id": trace_id,
        "trace_location": {"mlflow_experiment": {"experiment_id": "0"}},
        "request_time": "2026-01-31T12:00:00.250Z",
        "execution_duration": "1.5s",
        "state": "OK",
        "tags": {"mine": "1"},
        "trace_metadata": {"mlflow.trace.sizeStats": '{"num_spans": 2}'},
    }
    assert sent(client, as_json(span(traceId=fresh(300), status={"code": 2}))).status == 200
    begun = client.post("traces", api="3.0", trace={"trace_info": told})["trace"]["trace_info"]
    assert sent(client, as_json(span(traceId=fresh(300), **CHILD))).status == 200
    found = trace(client, fresh(300))["trace_info"]
    assert found == begun
    assert (found["request_time"], found["execution_duration"]) == ("2026-01-31T12:00:00.250Z", "1.500s")
    assert (found["state"], found["tags"]["mine"]) == ("OK", "1")
    assert found["tags"]["mlflow.trace.spansLocation"] == "TRACKING_STORE"
    batch = client.get("traces/batchGet", api="3.0", trace_ids=[trace_id, "tr-none"])["traces"]
    assert [len(each["spans"]) for each in batch] == [2]


def test_a_trace_is_had_whole_or_not(client: Client) -> None:
    told = {
        "trace_id": f"tr-{fresh(350)}",
        "trace_location": {"mlflow_experiment": {"experiment_id": "0"}},
        "trace_metadata": {"mlflow.trace.sizeStats": '{"num_spans": 2}'},
    }
    client.post("traces", api="3.0", trace={"trace_info": told})
    assert sent(client, as_json(span(traceId=fresh(350)))).status == 200
    assert client.get("traces/batchGet", api="3.0", trace_ids=[told["trace_id"]]) == {"traces": []}
    assert len(trace(client, fresh(350))["spans"]) == 1


@pytest.mark.parametrize(
    ("pack", "encoding"),
    [
        (gzip.compress, "gzip"),
        (zlib.compress, "deflate"),
        (lambda body: zlib.compress(body)[2:-4], "deflate"),
    ],
    ids=["gzip", "deflate", "raw deflate"],
)
def test_a_body_may_be_packed(client: Client, pack: Callable[[bytes], bytes], encoding: str) -> None:
    trace_id = fresh(400)
    body = pack(as_protobuf(span(traceId=trace_id)))
    assert sent(client, body, PROTOBUF, **{"Content-Encoding": encoding}).status == 200
    assert trace(client, trace_id)["spans"]


def deep(levels: int) -> bytes:
    value = '{"stringValue": "x"}'
    for _ in range(levels):
        value = f'{{"arrayValue": {{"values": [{value}]}}}}'
    return as_json(span(attributes={"a": "VALUE"})).replace(b'{"stringValue": "VALUE"}', value.encode())


BAD: list[tuple[str, bytes, dict[str, str], int, str]] = [
    ("no experiment", as_json(span()), {"experiment": ""}, 422, "x-mlflow-experiment-id"),
    ("an experiment that there is not", as_json(span()), {"experiment": "987654"}, 404, "987654"),
    ("another kind", as_json(span()), {"kind": "text/plain"}, 400, "Invalid Content-Type"),
    ("no JSON", b"{", {}, 400, "Invalid OpenTelemetry format"),
    ("nothing", b"", {"kind": PROTOBUF}, 400, "no spans found"),
    ("a list", b"[]", {}, 400, "Invalid OpenTelemetry format"),
    ("no protocol buffers", b"\xff\xff", {"kind": PROTOBUF}, 400, "Invalid OpenTelemetry format"),
    ("half a span", as_protobuf(span())[:-9], {"kind": PROTOBUF}, 400, "Invalid OpenTelemetry format"),
    ("deep values", deep(30), {}, 400, "levels"),
    ("deeper values", deep(300), {}, 400, ""),
    ("no trace", as_json(span(traceId="")), {}, 422, "trace_id"),
    ("a short id", as_json(span(spanId="aa")), {}, 422, "span_id"),
    ("ids of zeros", as_protobuf(span(spanId="00" * 8)), {"kind": PROTOBUF}, 422, "span_id"),
    ("late", as_json(span(endTimeUnixNano=str(2**63))), {}, 422, "nanoseconds"),
    ("a wrong time", as_json(span(endTimeUnixNano="soon")), {}, 400, "soon"),
    ("packed wrongly", b"x", {"Content-Encoding": "gzip"}, 400, "gzip"),
    ("unknown packing", b"x", {"Content-Encoding": "br"}, 400, "Content-Encoding"),
    ("a bomb", gzip.compress(bytes(70 << 20), 1), {"Content-Encoding": "gzip"}, 400, "unpacked"),
]


@pytest.mark.parametrize(
    ("body", "options", "status", "says"), [each[1:] for each in BAD], ids=[each[0] for each in BAD]
)
def test_what_is_no_request_is_refused(
    client: Client, body: bytes, options: dict[str, str], status: int, says: str
) -> None:
    answer = sent(client, body, **options)
    assert answer.status == status, answer.text
    assert says in answer.text


def test_one_wrong_span_keeps_all_out(client: Client) -> None:
    right = span(traceId=fresh(500))
    assert sent(client, as_json(right, span(spanId=""))).status == 422
    assert client.ask("traces/get", api="3.0", trace_id=f"tr-{fresh(500)}").status == 404


def test_what_no_json_number_is_stays(client: Client) -> None:
    whole = span(traceId=fresh(600))
    whole["attributes"] = [{"key": "loss", "value": {"doubleValue": "NaN"}}]
    assert sent(client, as_protobuf(whole), PROTOBUF).status == 200
    [told] = trace(client, fresh(600))["spans"]
    assert told["attributes"] == [{"key": "loss", "value": {"double_value": "NaN"}}]


def test_attributes_that_were_written_as_json_are_values_again(client: Client) -> None:
    attributes = {
        "mlflow.spanType": '"LLM"',
        "mlflow.spanInputs": '{"q": [1, 0.5, null]}',
        "plain": "no {json",
    }
    whole = span(traceId=fresh(650), attributes=attributes)
    other = span(traceId=fresh(651), attributes={"mlflow.spanType": "LLM", "text": '{"q": 1}'})
    assert sent(client, as_json(whole, other)).status == 200
    told = trace(client, fresh(650))
    values = {each["key"]: each["value"] for each in told["spans"][0]["attributes"]}
    numbers = {"array_value": {"values": [{"int_value": "1"}, {"double_value": 0.5}, {}]}}
    assert values["mlflow.spanType"] == {"string_value": "LLM"}
    assert values["mlflow.spanInputs"] == {"kvlist_value": {"values": [{"key": "q", "value": numbers}]}}
    assert values["plain"] == {"string_value": "no {json"}
    assert told["trace_info"]["request_preview"] == '{"q":[1,0.5,null]}'
    [kept] = [
        each["value"] for each in trace(client, fresh(651))["spans"][0]["attributes"] if each["key"] == "text"
    ]
    assert kept == {"string_value": '{"q": 1}'}


def test_spans_are_found_by_what_they_say(client: Client) -> None:
    experiment = client.post("experiments/create", name="spans to find")["experiment_id"]
    llm = {"mlflow.spanType": "LLM", "model": "net-4", "text": 'say "hi"'}
    for number, attributes in enumerate((llm, {"mlflow.spanType": "TOOL", "model": "net-5"})):
        step = span(traceId=fresh(700 + number), **CHILD, attributes=attributes)
        step["attributes"].append({"key": "tokens", "value": {"intValue": "12" if number == 0 else "3"}})
        body = as_json(span(traceId=fresh(700 + number)), step)
        assert sent(client, body, experiment=experiment).status == 200

    def found(text: str) -> list[int]:
        where = [{"mlflow_experiment": {"experiment_id": experiment}}]
        answer = client.post("traces/search", api="3.0", locations=where, filter=text)
        return sorted(int(each["trace_id"].removeprefix("tr-"), 16) - 700 for each in answer["traces"])

    assert found("span.type = 'LLM'") == [0]
    assert found("span.name = 'step' AND span.type = 'TOOL'") == [1]
    assert found("span.name = 'whole' AND span.type = 'TOOL'") == []
    assert found("span.attributes.model = 'net-4'") == [0]
    assert found("span.attributes.model LIKE 'net-%'") == [0, 1]
    assert found("span.attributes.model != 'net-4'") == [1]
    assert found("""trace.text LIKE '%say "hi"%'""") == [0]
    assert found("""trace.text ILIKE '%SAY "HI"%'""") == [0]
    assert found("span.content ILIKE '%NET-5%'") == [1]
    assert found("span.attributes.model ILIKE 'NET-4'") == [0]
    assert found("span.attributes.tokens = '12'") == [0]
    assert found("span.attributes.tokens LIKE '1%'") == [0]
    assert found("span.attributes.tokens LIKE '2%'") == []


def test_a_run_is_named_in_a_header(client: Client) -> None:
    run_id = client.new_run()
    for number, run in ((800, run_id), (801, "nobody")):
        assert sent(client, as_json(span(traceId=fresh(number))), **{otlp.RUN: run}).status == 200
    where = [{"mlflow_experiment": {"experiment_id": "0"}}]
    found = client.post("traces/search", api="3.0", locations=where, filter=f"run_id = '{run_id}'")["traces"]
    assert [each["trace_id"] for each in found] == [f"tr-{fresh(800)}"]


def test_spans_are_a_file_for_those_who_fetch_one(client: Client) -> None:
    event = {"name": "began", "timeUnixNano": "1000000001", "attributes": []}
    whole = span(traceId=fresh(900), attributes={"mlflow.spanInputs": "hello"}, events=[event])
    assert sent(client, as_json(whole, span(traceId=fresh(900), **CHILD, status={"code": 2}))).status == 200
    trace_id = f"tr-{fresh(900)}"
    address = f"/api/2.0/mlflow-artifacts/artifacts/0/traces/{trace_id}/artifacts/traces.json"
    told = client.visitor.get(address).json
    assert (told["request"], told["response"]) == ('"hello"', None)
    root, step = told["spans"]
    assert (root["context"]["span_id"], root["parent_id"]) == (f"0x{whole['spanId']}", None)
    assert (root["status_code"], step["status_code"], step["parent_id"]) == (
        "OK",
        "ERROR",
        f"0x{whole['spanId']}",
    )
    assert root["attributes"]["mlflow.traceRequestId"] == f'"{trace_id}"'
    assert root["events"] == [{"name": "began", "timestamp": 1000000001, "attributes": {}}]
    for api in ("2.0", "3.0"):
        page = client.visitor.get(f"/ajax-api/{api}/mlflow/get-trace-artifact?request_id={trace_id}").json
        assert [each["status"]["code"] for each in page["spans"]] == ["STATUS_CODE_OK", "STATUS_CODE_ERROR"]
    assert client.visitor.ask("PUT", address, b'{"spans": []}').status == 200
    assert client.visitor.get(address).text == '{"spans": []}'
    old = client.visitor.get(address, **{"User-Agent": "mlflow-python-client/2.22.5"}).json
    assert old["spans"] == told["spans"]
    page = client.visitor.get(f"/ajax-api/2.0/mlflow/get-trace-artifact?request_id={trace_id}")
    assert page.text == '{"spans": []}'
    assert client.visitor.get("/ajax-api/2.0/mlflow/get-trace-artifact").status == 400
    assert client.visitor.get("/ajax-api/2.0/mlflow/get-trace-artifact?request_id=none").status == 404
