"""Whatever is sent, the answer is MLflow's own kind of error, never a failure of the server."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from faena.mlflow.fields import hints
from faena.mlflow.routes import ROUTES, Route
from tests.mlflow.clients import JSON, Client
from tests.mlflow.named import Named
from tests.server.house import Answer

ODD: list[Any] = [
    None, True, 0, -1, 1.5, 2**31, 2**62, 2**63, 2**64, -(2**63) - 1, 10**30, 1e308, "", " ", "x" * 9000, "x" * 200_000,
    "\x00", "\ud800", "é" * 300, "NaN", "1e400", "-1s", "1e30s", "9999-99-99T99:99:99Z", "10000-01-01T00:00:00Z",
    "../..", "%2e%2e", "%ff", "'", "`", "metrics.`a` >", "a = 'b' AND", "(", "[]", "{}", '{"a":', "[{}]",
    [], {}, [None], [[]], [{}], [1, "a"], [{"key": "a"}], [{"key": None, "value": 1}], {"": ""}, {"a": None},
    [{"key": "a", "value": 1, "timestamp": -1}], [{"key": "a", "value": 1.0, "timestamp": 2**62}], {"a": {"b": []}},
    [{"key": "a", "value": "b"}] * 1500, ["x"] * 2000, ["x"] * 100_000,
]  # fmt: skip
"""Values of kinds, lengths and contents that no client sends."""
FEW = 3
DELETING_LAST = sorted(ROUTES, key=lambda route: "DELETE" in f"{route.method} {route.path}".upper())


@pytest.fixture(scope="module")
def named(client: Client) -> Named:
    return Named(client)


def send(client: Client, route: Route, given: dict[str, Any]) -> Answer:
    path = "/api" + route.path
    for part in [each[1:-1] for each in route.path.split("/") if each.startswith("{")]:
        value = given.get(part)
        spelled = quote(str(value if value not in (None, "") else "x"), safe="", errors="replace")
        path = path.replace(f"{{{part}}}", spelled[:3000])
    if route.method != "GET":
        return client.visitor.ask(
            route.method, path, json.dumps(given).encode("utf-8", "surrogatepass"), **JSON
        )
    asked = {
        name: value if isinstance(value, str | int | float | list) else json.dumps(value)
        for name, value in given.items()
        if value is not None
    }
    return client.visitor.get(f"{path}?{urlencode(asked, doseq=True, errors='replace')[:40_000]}")


def check(client: Client, route: Route, given: dict[str, Any]) -> None:
    answer = send(client, route, given)
    told = f"{route.method} {route.path} {str(given)[:500]}: {answer.text[:300]}"
    assert answer.status < 500, told
    assert answer.status < 400 or answer.json["error_code"], told


@pytest.mark.parametrize("gone", [False, True], ids=["there", "deleted"])
def test_what_is_there_and_what_was_deleted(client: Client, named: Named, gone: bool) -> None:
    for route in DELETING_LAST:
        check(client, route, named.request(route.request, gone=gone))


def odd_ones(named: Named, route: Route, chosen: random.Random, number: int) -> Iterator[dict[str, Any]]:
    """Requests that are fine but for one field, at any depth."""
    whole = named.request(route.request)
    for name in hints(route.request):
        yield {other: value for other, value in whole.items() if other != name}
    for place in _places(whole):
        for value in chosen.sample(ODD, number):
            changed = json.loads(json.dumps(whole))
            inner = changed
            for step in place[:-1]:
                inner = inner[step]
            inner[place[-1]] = value
            yield changed


def _places(value: Any, *above: Any) -> Iterator[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, each in inner:
        yield (*above, name)
        yield from _places(each, *above, name)


@pytest.mark.long
def test_few_values_of_any_field(client: Client, named: Named) -> None:
    chosen = random.Random(16)
    for route in DELETING_LAST:
        for given in odd_ones(named, route, chosen, FEW):
            check(client, route, given)


@pytest.mark.campaign
@pytest.mark.timeout(1800)
def test_all_values_of_any_field(client: Client, named: Named) -> None:
    for route in DELETING_LAST:
        for given in odd_ones(named, route, random.Random(), len(ODD)):
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
