"""Questions in GraphQL: what is chosen of what the routes answer, and what is too much."""

from __future__ import annotations

import json
from typing import Any

import pytest

from faena.mlflow.graphql.documents import Malformed, parse
from tests.mlflow.clients import JSON, Client


def ask(client: Client, query: str, **variables: Any) -> Any:
    body = json.dumps({"query": query, "variables": variables}).encode()
    answer = client.visitor.ask("POST", "/graphql", body, **JSON)
    assert answer.status == 200, answer.text
    return answer.json


def test_a_run_with_what_is_beside_it(client: Client) -> None:
    number = client.post("experiments/create", name="asked")["experiment_id"]
    run = client.new_run(experiment_id=number, run_name="one", start_time=5)
    points = [
        {"key": "a", "value": 1, "timestamp": 7, "step": 2},
        {"key": "b", "value": "NaN", "timestamp": 7},
    ]
    client.post("runs/log-batch", run_id=run, metrics=points)
    client.post("registered-models/create", name="asked")
    client.post("model-versions/create", name="asked", source="s3://a", run_id=run)
    answer = ask(
        client,
        """query all($id: String!, $no: Boolean = false) @component(name: "x") {
             mlflowGetRun(input: {runId: $id}) { apiError { code } run {
               info { ...names startTime endTime status } data { metrics { key value step } params { key } }
               experiment { name } modelVersions { name version } inputs { modelInputs { modelId } }
               skipped: info @include(if: $no) { runId } __typename } } }
           fragment names on MlflowRunInfo { runName, # with a comment
             called: runUuid }""",
        id=run,
    )
    assert answer == {
        "errors": None,
        "data": {
            "mlflowGetRun": {
                "apiError": None,
                "run": {
                    "info": {
                        "runName": "one", "called": run, "startTime": "5", "endTime": "0", "status": "RUNNING",
                    },
                    "data": {
                        "metrics": [{"key": "a", "value": 1.0, "step": "2"}, {"key": "b", "value": None, "step": "0"}],
                        "params": [],
                    },
                    "experiment": {"name": "asked"},
                    "modelVersions": [{"name": "asked", "version": "1"}],
                    "inputs": {"modelInputs": []},
                    "__typename": "MlflowRunExtension",
                },
            }
        },
    }  # fmt: skip


def test_several_at_once_and_a_mutation(client: Client) -> None:
    run = client.new_run()
    client.put_artifact(client.run(run), "dir/a.txt", b"12345")
    listed = ask(
        client,
        f'{{ top: mlflowListArtifacts(input: {{runId: "{run}"}}) {{ files {{ path isDir fileSize }} }}'
        f' below: mlflowListArtifacts(input: {{runId: "{run}", path: "dir"}}) {{ files {{ path fileSize }} }} }}',
    )["data"]
    assert listed["top"]["files"] == [{"path": "dir", "isDir": True, "fileSize": "0"}]
    assert listed["below"]["files"] == [{"path": "dir/a.txt", "fileSize": "5"}]
    found = ask(
        client,
        'mutation { mlflowSearchRuns(input: {experimentIds: ["0"], maxResults: 1}) { runs { info { runId } } } }',
    )
    assert len(found["data"]["mlflowSearchRuns"]["runs"]) == 1


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("{", "Syntax Error: Unexpected '<EOF>'."),
        ("{ test(inputString: $) { output } }", "Syntax Error"),
        ("{ nothing { a } }", "Cannot query field 'nothing' on type 'Query'."),
        ("{ test { other } }", "Cannot query field 'other' on type 'Test'."),
        ("{ ...gone }", "Unknown fragment 'gone'."),
        ("query a { test { output } } query b { test { output } }", "Must provide operation name."),
        ('{ mlflowGetRun(input: {runId: "x"}) { run { info { runId } } } }', "Run with id=x not found"),
        ('{ mlflowGetRun(input: "x") { run { info { runId } } } }', "is an object"),
        ("{ mlflowGetRun { run { info { runId } } } }", "parameter 'run_id'"),
        ("{ test }", "must have a selection of subfields"),
        ("{" + "a: test { output } " * 11 + "}", "queries should have at most 10 root fields"),
        ("{ test { " + "a: output " * 11 + "} }", "queries should have at most 10 aliases"),
        ("{ test " * 11 + "}" * 11, "Query exceeds maximum depth of 10"),
        ("{ test { " + "output " * 1001 + "} }", "Query exceeds maximum total selections of 1000"),
        ("{ test { ...a } } fragment a on A { output b { ...a ...a } }", "Query exceeds maximum depth"),
        ("{ test(inputString: " + "[" * 200 + ") { output } }", "deep"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told(client: Client, query: str, said: str) -> None:
    assert said in ask(client, query)["errors"][0]


@pytest.mark.parametrize(
    "text", ['{ a(b: "c\\n", d: [1, -2.5e3, true, null, E], e: """x "y" z""") { f } }', "{a,b}"]
)
def test_values(text: str) -> None:
    [operation] = parse(text).operations
    assert len(operation.selections) in (1, 2)


def test_long_texts_take_no_time() -> None:
    for text in (
        "{#" + "#" * 190_000,
        '"' * 190_000,
        "{" * 190_000,
        " " * 190_000,
        '{a(b:"' + "\\" * 190_000,
    ):
        with pytest.raises(Malformed):
            parse(text + "?")
