"""What the token of a run is good for: that run and those below it, as long as it goes on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, get_type_hints
from urllib.parse import urlencode

import pytest

from faena.db import Write
from faena.mlflow.callers import GRACE_S
from faena.mlflow.routes import ROUTES, Route
from faena.mlflow.run_tokens import RunOfToken, RunTokens
from faena.runs import store, transitions
from faena.runs.model import EndReason, Outcome
from faena.testing.clock import ManualClock
from tests.mlflow import otlp
from tests.mlflow.clients import JSON, Client
from tests.server.house import Answer, Running, Visitor, running


def in_run(server: Running, run_id: str, attempt: int = 1) -> Client:
    """A client of a run's script."""
    gateway = server.house.gateway
    url, token = server.do(gateway.open_to_run(server.app, RunOfToken(run_id, attempt)))
    return Client(Visitor(int(url.rpartition(":")[2]), {"Authorization": f"Bearer {token}"}))


@pytest.fixture(scope="module")
def script(server: Running, own: str) -> Client:
    return in_run(server, own)


def about(run: Any, model: Any, trace: str) -> dict[str, Any]:
    """What a request can name of this run, its experiment and its model."""
    info = run["info"]
    where = {"mlflow_experiment": {"experiment_id": info["experiment_id"]}}
    return {
        **dict.fromkeys(("run_id", "run_uuid", "source_run_id"), info["run_id"]),
        "run_ids": [info["run_id"]],
        **dict.fromkeys(("request_id", "trace_id"), trace),
        "trace_ids": [trace],
        "assessment_id": "a-1",
        "assessment": {"assessment_name": "good", "feedback": {"value": 1}},
        "update_mask": "feedback",
        "prompt_versions": [{"name": "ask", "version": "1"}],
        "trace": {"trace_info": {"trace_id": trace, "trace_location": where}},
        "locations": [where],
        "dataset_id": "d-1",
        "records": "[]",
        "model_id": model["info"]["model_id"],
        "tag_key": "t",
        "experiment_id": info["experiment_id"],
        "experiment_ids": [info["experiment_id"]],
        "experiment_name": "of another run",
        "new_name": "taken",
        "name": "of another run",
        "key": "t",
        "value": "1",
        "metric_key": "loss",
        "timestamp": 2,
        "path": "",
        "status": "FAILED",
        "max_results": 10,
        "artifact_uri": info["artifact_uri"],
        "source": info["artifact_uri"],
        "alias": "best",
        "stage": "Staging",
        "model_json": "{}",
    }


def send(client: Client, route: Route, named: dict[str, Any]) -> Answer:
    """All that its request has a field for."""
    path = "/api" + route.path.format_map(named)
    fields = {field: named[field] for field in get_type_hints(route.request) if field in named}
    if route.method == "GET":
        return client.visitor.get(f"{path}?{urlencode(fields, doseq=True)}")
    return client.visitor.ask(route.method, path, json.dumps(fields).encode(), **JSON)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
class TestEachRoute:
    def test_is_shut_without_a_token(
        self, server: Running, route: Route, other: Any, its_model: Any, its_trace: str
    ) -> None:
        assert send(Client(server.stranger()), route, about(other, its_model, its_trace)).status == 401

    def test_gives_and_changes_nothing_of_another_run(
        self, client: Client, script: Client, route: Route, other: Any, its_model: Any, its_trace: str
    ) -> None:
        run_id, model_id = other["info"]["run_id"], its_model["info"]["model_id"]
        in_registry = route.path.startswith(("/2.0/mlflow/registered-models", "/2.0/mlflow/model-versions"))
        named = about(other, its_model, its_trace) | (
            {"name": "a model", "version": "1"} if in_registry else {}
        )
        of_sets = "/3.0/mlflow/datasets/" in route.path
        named |= {"tags": "{}"} if of_sets else {}
        before = client.get(f"traces/{its_trace}/info")["trace_info"]
        answer = send(script, route, named)
        if route.in_run is None:
            assert (answer.status, answer.json["error_code"]) == (403, "PERMISSION_DENIED"), answer.text
        else:
            assert answer.status in ((200, 400, 403, 404) if in_registry or of_sets else (200, 403)), (
                answer.text
            )
        if answer.status == 200:
            assert run_id not in answer.text
            assert model_id not in answer.text
            assert its_trace not in answer.text
            assert "of another run" not in answer.text
        assert client.run(run_id) == other
        assert client.get(f"traces/{its_trace}/info")["trace_info"] == before
        assert client.get(f"logged-models/{model_id}")["model"] == its_model


def test_another_runs_files_are_not_its_own(script: Client, own: str, other: Any, its_model: Any) -> None:
    for owner in (other, its_model):
        for answer in (script.put_artifact(owner, "b.txt", b"x"), script.artifact(owner, "a.txt")):
            assert (answer.status, answer.json["error_code"]) == (403, "PERMISSION_DENIED")
    points = [{"key": "loss", "value": 1, "timestamp": 1, "model_id": its_model["info"]["model_id"]}]
    assert script.refused("runs/log-batch", run_id=own, metrics=points)[0] == 403


def test_graphql_gives_nothing_of_another_run(script: Client, own: str, other: Any) -> None:
    def asked(run_id: str) -> Any:
        query = f'{{ mlflowGetRun(input: {{runId: "{run_id}"}}) {{ run {{ info {{ runId }} }} }} }}'
        return script.visitor.ask("POST", "/graphql", json.dumps({"query": query}).encode(), **JSON).json

    assert asked(own)["data"]["mlflowGetRun"]["run"]["info"]["runId"] == own
    refused = asked(other["info"]["run_id"])
    assert refused["data"] == {"mlflowGetRun": None}
    assert "not for the run" in refused["errors"][0]


def test_nothing_but_mlflows_paths(script: Client) -> None:
    for verb, path in (
        ("GET", "/runs"),
        ("GET", "/ui/runs"),
        ("POST", "/door"),
        ("POST", "/door/runs"),
        ("GET", "/"),
        ("POST", "/stop"),
        ("POST", "/sign-out"),
    ):
        assert script.visitor.ask(verb, path).status == 403, path
    answer = script.visitor.ask("GET", "//api/../runs")  # a path of MLflow's may begin with several slashes
    assert (answer.status, answer.json["error_code"]) == (404, "ENDPOINT_NOT_FOUND")


def test_a_token_that_was_made_up_opens_nothing(server: Running, own: str, script: Client) -> None:
    token = script.visitor.headers["Authorization"].partition(" ")[2]
    told, _, signature = token.rpartition(".")
    foreign = RunTokens("x" * 43).of(RunOfToken(own, 1))
    for forged in (
        foreign,
        f"{told}.",
        f"run.{own}.2.{signature}",
        f"run..1.{signature}",
        f"{token}é",
        signature,
    ):
        visitor = Visitor(script.visitor.port, {"Authorization": f"Bearer {forged}"})
        assert visitor.get("/api/2.0/mlflow/runs/get?run_id=" + own).status == 401, forged


def test_registered_models_are_read_whoever_made_them(
    client: Client, script: Client, other: Any, its_model: Any
) -> None:
    assert client.put_artifact(its_model, "MLmodel", b"flavors: {}").status == 200
    client.post("registered-models/create", name="shared")
    source = its_model["info"]["artifact_uri"]
    client.post("model-versions/create", name="shared", source=source, run_id=other["info"]["run_id"])
    uri = script.get("model-versions/get-download-uri", name="shared", version="1")["artifact_uri"]
    kept = {"info": {"artifact_uri": uri}}
    assert script.artifact(kept, "MLmodel").body == b"flavors: {}"
    assert script.put_artifact(kept, "MLmodel", b"x").status == 400
    assert script.artifact(its_model, "MLmodel").status == 403


class TestItsScript:
    """As MLflow's clients of a script ask, in their order."""

    def test_sets_any_experiment_and_stays_in_its_own(self, client: Client, script: Client, own: str) -> None:
        wanted = client.run(own)["info"]["experiment_id"]
        found = script.get("experiments/get-by-name", experiment_name="whatever")["experiment"]
        assert (found["experiment_id"], found["lifecycle_stage"]) == (wanted, "active")
        assert script.post("experiments/create", name="whatever") == {"experiment_id": wanted}
        searched = script.post("experiments/search", max_results=100)["experiments"]
        assert [each["experiment_id"] for each in searched] == [wanted]
        names = [each["name"] for each in client.post("experiments/search", max_results=100)["experiments"]]
        assert "whatever" not in names

    def test_logs_into_the_run(self, client: Client, script: Client, own: str) -> None:
        script.post("runs/log-metric", run_id=own, key="loss", value=0.5, timestamp=1)
        script.post("runs/log-batch", run_id=own, params=[{"key": "lr", "value": "1"}])
        run = script.run(own)
        assert script.put_artifact(run, "notes/a.txt", b"mine").status == 200
        assert script.artifact(run, "notes/a.txt").body == b"mine"
        assert client.run(own) == script.run(own)
        assert run["data"]["params"] == [{"key": "lr", "value": "1"}]

    def test_logs_models_of_the_run(self, client: Client, script: Client, own: str) -> None:
        experiment = client.run(own)["info"]["experiment_id"]
        model = script.post("logged-models", experiment_id=experiment, name="mine")["model"]
        model_id = model["info"]["model_id"]
        assert model["info"]["source_run_id"] == own
        assert script.put_artifact(model, "MLmodel", b"flavors: {}").status == 200
        point = {"key": "loss", "value": 1, "timestamp": 1, "model_id": model_id}
        script.post("runs/log-batch", run_id=own, metrics=[point])
        found = script.post("logged-models/search", experiment_ids=[experiment])["models"]
        assert [each["info"]["model_id"] for each in found] == [model_id]

    def test_tells_no_model_of_another_run_of_versions(
        self, client: Client, script: Client, its_model: Any
    ) -> None:
        model_id = its_model["info"]["model_id"]
        before = client.get(f"logged-models/{model_id}")
        script.post("registered-models/create", name="of an address")
        asked = {"name": "of an address", "source": "s3://bucket/m", "model_id": model_id}
        assert script.refused("model-versions/create", **asked)[:2] == (403, "PERMISSION_DENIED")
        assert client.get(f"logged-models/{model_id}") == before

    def test_registers_what_it_made(self, client: Client, script: Client, own: str, other: Any) -> None:
        run = script.run(own)
        assert script.put_artifact(run, "net/MLmodel", b"flavors: {}").status == 200
        script.post("registered-models/create", name="of a script")
        named = {"name": "of a script", "version": "1"}
        source = f"{run['info']['artifact_uri']}/net"
        made = script.post("model-versions/create", name="of a script", source=source, run_id=own)
        script.post("model-versions/set-tag", key="k", value="v", **named)
        assert script.get("model-versions/get", **named)["model_version"]["run_id"] == own
        assert made["model_version"]["version"] == "1"
        for source in (other["info"]["artifact_uri"], f"runs:/{other['info']['run_id']}/a.txt"):
            refused = script.refused("model-versions/create", name="of a script", source=source)
            assert refused[:2] == (403, "PERMISSION_DENIED")
        assert script.refused("registered-models/alias", alias="best", **named)[0] == 403
        client.post("model-versions/create", name="of a script", source="s3://bucket/m")
        refused = script.refused(
            "model-versions/set-tag", name="of a script", version="2", key="k", value="v"
        )
        assert refused[:2] == (403, "PERMISSION_DENIED")

    def test_tells_traces_of_the_run(self, client: Client, script: Client, own: str, other: Any) -> None:
        experiment = client.run(own)["info"]["experiment_id"]
        trace = script.post("traces", experiment_id=experiment, timestamp_ms=1)["trace_info"]["request_id"]
        assert script.send("PATCH", f"traces/{trace}", status="OK", timestamp_ms=2).status == 200
        assert script.get(f"traces/{trace}/info")["trace_info"]["status"] == "OK"
        client.post("traces", experiment_id=experiment, timestamp_ms=1)  # of no run
        found = script.get("traces", experiment_ids=[experiment])["traces"]
        assert [each["request_id"] for each in found] == [trace]
        theirs = [{"key": "mlflow.sourceRun", "value": other["info"]["run_id"]}]
        ended = script.send("PATCH", f"traces/{trace}", status="OK", timestamp_ms=2, request_metadata=theirs)
        assert ended.status == 403
        asked = {"experiment_id": experiment, "timestamp_ms": 1, "request_metadata": theirs}
        assert script.refused("traces", **asked)[:2] == (403, "PERMISSION_DENIED")

    def test_has_runs_below_its_own(self, client: Client, script: Client, own: str, other: Any) -> None:
        first = script.new_run(experiment_id=None)
        second = script.new_run(tags=[{"key": "mlflow.parentRunId", "value": first}])
        for run_id, parent in ((first, own), (second, first)):
            script.post("runs/log-metric", run_id=run_id, key="loss", value=1, timestamp=1)
            tags = {tag["key"]: tag["value"] for tag in client.run(run_id)["data"]["tags"]}
            assert tags["mlflow.parentRunId"] == parent
        experiment = client.run(own)["info"]["experiment_id"]
        client.new_run(experiment_id=experiment)  # of somebody else
        found = script.post("runs/search", experiment_ids=[experiment])["runs"]
        assert {first, second} < {each["info"]["run_id"] for each in found}
        below = {each["info"]["run_id"] for each in found} - {own}
        assert all(_parent(script, each) in {own, *below} for each in below)
        foreign = [{"key": "mlflow.parentRunId", "value": other["info"]["run_id"]}]
        assert script.refused("runs/create", tags=foreign)[:2] == (403, "PERMISSION_DENIED")


def _parent(client: Client, run_id: str) -> str:
    tags = client.run(run_id)["data"]["tags"]
    return str(next(tag["value"] for tag in tags if tag["key"] == "mlflow.parentRunId"))


def test_ends_some_minutes_after_its_run(tmp_path: Path) -> None:
    clock = ManualClock()
    with running(tmp_path, clock) as server:
        client = Client(server.client())
        run = client.new_run()
        script, next_attempt = in_run(server, run), in_run(server, run, attempt=2)
        assert next_attempt.ask("runs/get", run_id=run).status == 401
        client.post("runs/update", run_id=run, status="FINISHED", end_time=clock.now() // 1000)
        clock.advance(GRACE_S - 1)
        script.post("runs/log-metric", run_id=run, key="system/cpu", value=1, timestamp=1)
        clock.advance(2)
        answer = script.ask("runs/get", run_id=run)
        assert (answer.status, answer.json["error_code"]) == (401, "UNAUTHENTICATED")
        assert script.visitor.get("/model-versions/get-artifact?name=a&version=1&path=b").status == 401


def test_what_a_script_left_open_ends_with_its_run(client: Client, server: Running) -> None:
    top = client.new_run()
    open_one = client.new_run(tags=[{"key": "mlflow.parentRunId", "value": top}])
    ended = client.new_run(tags=[{"key": "mlflow.parentRunId", "value": open_one}])
    client.post("runs/update", run_id=ended, status="FINISHED")

    def end(write: Write) -> None:
        store.update(write, top, {"type": "script"})  # with a process, whose end is seen here
        run = store.get(write, top)
        assert run is not None
        transitions.end(write, run, Outcome(EndReason.EXIT_CODE, "exit code 1"), server.house.clock.now())

    server.do(server.house.database.write(end))
    found = [client.run(each)["info"]["status"] for each in (top, open_one, ended)]
    assert found == ["FAILED", "FAILED", "FINISHED"]


@contextmanager
def next_server(parent: Path, *, do_runs_go_on: bool) -> Iterator[Running]:
    async def go_on() -> bool:
        return do_runs_go_on

    with running(parent) as server:
        server.do(server.house.gateway.open_again(server.app, go_on))
        yield server


def test_the_next_server_listens_for_runs_that_go_on(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        run = Client(server.client()).new_run()
        server.do(server.house.gateway.close())
        script = in_run(server, run)
        assert not server.house.gateway.is_open_to_programs
    with next_server(tmp_path, do_runs_go_on=True):
        assert script.run(run)["info"]["run_id"] == run
    with next_server(tmp_path, do_runs_go_on=False), pytest.raises(ConnectionRefusedError):
        script.run(run)


def test_spans_of_a_script_are_its_runs(script: Client, client: Client, own: str, its_trace: str) -> None:
    experiment = client.run(own)["info"]["experiment_id"]

    def sent(trace_id: str, number: str, run: str = "") -> int:
        headers = {"Content-Type": "application/json", "x-mlflow-experiment-id": number}
        named = {otlp.RUN: run} if run else {}
        body = otlp.as_json(otlp.span(traceId=trace_id))
        return script.visitor.ask("POST", "/v1/traces", body, **headers, **named).status

    mine = f"{0xA11:032x}"
    assert sent(mine, experiment) == 200
    found = client.get("traces", experiment_ids=[experiment], filter=f"run_id = '{own}'")["traces"]
    assert f"tr-{mine}" in {each["request_id"] for each in found}
    assert sent(its_trace.removeprefix("tr-"), experiment) == 403
    assert sent(f"{0xA12:032x}", "0") == 403
    assert sent(f"{0xA13:032x}", experiment, client.new_run()) == 403
