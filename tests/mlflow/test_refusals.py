"""What is wrong with a request, in the words that MLflow's tests look for."""

from __future__ import annotations

from typing import Any

import pytest

from tests.mlflow.clients import Client
from tests.server.house import Running


class TestRefusals:
    @pytest.mark.parametrize(
        ("path", "fields", "said"),
        [
            ("experiments/create", {}, "Missing value for required parameter 'name'."),
            ("experiments/create", {"name": 123}, "Invalid value 123 for parameter 'name' supplied"),
            ("runs/log-metric", {"key": "a", "value": 1, "timestamp": 1}, "required parameter 'run_id'"),
            (
                "runs/log-metric",
                {"run_id": "x", "key": "a/../b", "value": 1, "timestamp": 1},
                'Invalid value "a/../b"',
            ),
            ("runs/log-parameter", {}, "Missing value for required parameter 'run_id'"),
            ("runs/log-batch", {"run_id": "x", "tags": [{}]}, "required parameter 'tags[0].key'"),
            (
                "runs/log-metric",
                {"run_id": []},
                "for parameter 'run_id' supplied:  Hint: Value was of type 'list'.",
            ),
            (
                "runs/log-metric",
                {"run_id": "x", "key": "a", "value": 1, "timestamp": 1, "dataset_name": "b"},
                "Both dataset_name and dataset_digest must be provided",
            ),
            (
                "runs/set-tag",
                {"run_id": "x", "key": "k" * 251},
                "'key' exceeds the maximum length of 250 characters",
            ),
            (
                "experiments/create",
                {"name": "n" * 501},
                "'name' exceeds the maximum length of 500 characters",
            ),
            ("experiments/delete", {"experiment_id": "a"}, "Experiment ID must be a valid integer."),
            ("experiments/search", {"max_results": -1}, "supplied. It must be a positive integer"),
            (
                "experiments/search",
                {"max_results": 9, "page_token": "?"},
                "Invalid page token, could not base64-decode",
            ),
            (
                "experiments/search",
                {"max_results": 9, "order_by": ["a"]},
                "Invalid attribute key 'a' specified",
            ),
            ("runs/search", {"max_results": 50_001}, "Invalid value 50001 for parameter 'max_results'"),
            ("runs/search", {"filter": "a"}, "Invalid clause(s) in filter string: 'a'"),
            ("runs/search", {"filter": "metrics.a == 1"}, "Invalid comparator '=='"),
            ("runs/search", {"filter": "metrics.a IS NULL"}, "only supported for tags and params"),
            ("runs/search", {"filter": "params.a IN ('a')"}, "Invalid comparator 'IN'"),
            ("runs/search", {"filter": "datasets.a = 'a'"}, "Invalid dataset key 'a' specified"),
            (
                "runs/search",
                {"order_by": ["status up"]},
                "Invalid ordering key in order_by clause 'status up'.",
            ),
            ("logged-models/search", {"experiment_ids": ["0"], "filter": "a"}, "Invalid filter string: 'a'"),
            ("logged-models", {"experiment_id": "0", "name": "a/b"}, "Invalid model name ('a/b') provided."),
            (
                "runs/log-batch",
                {"run_id": "x", "params": [{"key": "a", "value": "1"}] * 2},
                "Duplicate parameter keys have been submitted: ['a']",
            ),
            ("runs/search", {"order_by": ["1"]}, "Invalid order_by clause '1'. Could not be parsed"),
            ("runs/search", {"filter": "metrics.a = 'x'"}, "Expected numeric value type"),
            ("runs/search", {"filter": "params.a = 1"}, "Expected a quoted string value"),
        ],
    )
    def test_names_what_is_wrong(self, client: Client, path: str, fields: dict[str, Any], said: str) -> None:
        status, code, message = client.refused(path, **fields)
        assert (status, code) == (400, "INVALID_PARAMETER_VALUE")
        assert said in message

    def test_what_is_null_is_not_there(self, client: Client) -> None:
        made = client.post("experiments/create", name="of nulls", artifact_location=None, tags=None)
        assert client.get("experiments/get", **made)["experiment"]["tags"] == []

    def test_what_is_not_there(self, client: Client) -> None:
        assert client.ask("runs/get", run_id="x" * 400).status == 404
        assert client.ask("runs/get", run_id="x").json == {
            "error_code": "RESOURCE_DOES_NOT_EXIST",
            "message": "Run with id=x not found",
        }
        assert client.visitor.get("//health").text == "OK"
        unknown = client.send("POST", "nothing/of/this")
        assert (unknown.status, unknown.json["error_code"]) == (404, "ENDPOINT_NOT_FOUND")

    def test_nothing_without_a_token(self, server: Running) -> None:
        for path in ("/api/2.0/mlflow/experiments/search", "/health", "//health", "/v1/traces"):
            assert server.stranger().get(path).status == 401
