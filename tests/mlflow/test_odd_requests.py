"""Whatever is sent, the answer is MLflow's own kind of error, never a failure of the server."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from faena.mlflow.fields import hints
from faena.mlflow.routes import ROUTES
from tests.mlflow.clients import JSON, Client

ODD: list[Any] = [
    None, True, 0, -1, 1.5, 2**31, 2**63, 2**64, -(2**63) - 1, 1e308, "", " ", "x" * 9000, "\x00", "\ud800", "é" * 300,
    "NaN", "../..", "%2e%2e", "'", "`", "metrics.`a` >", "a = 'b' AND", "(", [], {}, [None], [[]], [{}], [1, "a"],
    [{"key": "a"}], [{"key": None, "value": 1}], [{"key": "a", "value": 1, "timestamp": -1}],
    [{"key": "a", "value": 1.0, "timestamp": 2**62}], {"a": {"b": []}}, ["x"] * 2000,
]  # fmt: skip
"""Values of kinds, lengths and contents that no client sends."""


@pytest.mark.long
def test_no_value_of_any_field_is_a_failure_of_the_server(client: Client) -> None:
    run = client.new_run()
    chosen = random.Random(16)
    for route in ROUTES:
        path = f"/api{route.path.replace('{', '').replace('}', '')}"
        names = list(hints(route.request))
        for name in names:
            for value in chosen.sample(ODD, 8):
                given = dict.fromkeys(names, "1") | {"run_id": run, "value": "1", name: value}
                body = b"" if route.method == "GET" else json.dumps(given).encode("utf-8", "replace")
                asked = f"{path}?{name}={chosen.choice(['', '%00', '%ff', '9' * 30, '-1', 'x' * 300])}"
                answer = client.visitor.ask(
                    route.method, asked if route.method == "GET" else path, body, **JSON
                )
                assert answer.status < 500, (route.method, path, given, answer.text)
                assert answer.status < 400 or answer.json["error_code"], answer.text


def test_no_body_is_a_failure_of_the_server(client: Client) -> None:
    for body in (
        b"",
        b"[]",
        b"1",
        b"{",
        b'{"a":',
        b"\xff\xfe",
        b"[" * 5000,
        b'{"run_id":' * 500,
        b"null",
        b'"x"',
    ):
        for path in (
            "runs/create",
            "runs/log-batch",
            "runs/search",
            "experiments/create",
            "logged-models/search",
        ):
            answer = client.visitor.ask("POST", f"/api/2.0/mlflow/{path}", body, **JSON)
            assert answer.status < 500, (path, body[:20], answer.text)
