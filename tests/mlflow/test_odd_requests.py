"""Whatever is sent, the answer is MLflow's own kind of error, never a failure of the server."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

import pytest

from faena.mlflow.fields import hints
from faena.mlflow.routes import ROUTES, Route
from tests.any_input.mlflow import request
from tests.any_input.odd import ODD, places
from tests.mlflow.clients import JSON, Client
from tests.mlflow.named import Named
from tests.server.house import Answer

FEW = 3
DELETING_LAST = sorted(ROUTES, key=lambda route: "DELETE" in f"{route.method} {route.path}".upper())


@pytest.fixture(scope="module")
def named(client: Client) -> Named:
    return Named(client)


def send(client: Client, route: Route, given: dict[str, Any]) -> Answer:
    made = request(route, given)
    body = made.data if isinstance(made.data, bytes) else b""
    return client.visitor.ask(route.method, str(made.url), body, **(JSON if body else {}))


def check(client: Client, route: Route, given: dict[str, Any]) -> None:
    answer = send(client, route, given)
    told = f"{route.method} {route.path} {str(given)[:500]}: {answer.text[:300]}"
    assert answer.status < 500, told
    assert answer.status < 400 or answer.json["error_code"], told


@pytest.mark.long
@pytest.mark.parametrize("gone", [False, True], ids=["there", "deleted"])
def test_what_is_there_and_what_was_deleted(client: Client, named: Named, gone: bool) -> None:
    for route in DELETING_LAST:
        check(client, route, named.request(route.request, gone=gone))


def odd_ones(named: Named, route: Route, chosen: random.Random, number: int) -> Iterator[dict[str, Any]]:
    """Requests that are fine but for one field, at any depth."""
    whole = named.request(route.request)
    for name in hints(route.request):
        yield {other: value for other, value in whole.items() if other != name}
    for place in places(whole):
        for value in chosen.sample(ODD, number):
            changed = json.loads(json.dumps(whole))
            inner = changed
            for step in place[:-1]:
                inner = inner[step]
            inner[place[-1]] = value
            yield changed


@pytest.mark.long
def test_few_values_of_any_field(client: Client, named: Named) -> None:
    chosen = random.Random(16)
    for route in DELETING_LAST:
        for given in odd_ones(named, route, chosen, FEW):
            check(client, route, given)


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
