"""The table of routes tells what is answered, and each route is there for whoever has the token."""

from __future__ import annotations

from pathlib import Path

import pytest

from faena.mlflow.documentation import table
from faena.mlflow.routes import ROUTES, Route
from tests.mlflow.clients import Client

DOCUMENT = Path(__file__).parents[2] / "docs" / "mlflow-routes.md"


def test_the_table_in_the_docs_is_that_of_the_program() -> None:
    assert DOCUMENT.read_text() == table(), "python -m faena.mlflow.documentation docs/mlflow-routes.md"


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_a_request_of_nothing_is_refused_or_answered_in_mlflows_words(client: Client, route: Route) -> None:
    method, path = route.method, route.path
    answer = client.visitor.ask(method, f"/api{path.replace('{', '').replace('}', '')}")
    assert answer.status < 500, answer.text
    if answer.status >= 400:
        assert answer.json["error_code"] != "ENDPOINT_NOT_FOUND"
        assert answer.json["message"]
