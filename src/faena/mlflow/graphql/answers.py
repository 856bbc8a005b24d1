"""The address at which GraphQL is asked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from msgspec import Struct

from faena.mlflow import fields, finding
from faena.mlflow.errors import NO_ENDPOINT, MlflowError, missing_value
from faena.mlflow.graphql import execution
from faena.mlflow.routes import Route

Answer = Callable[[Route, Any], Awaitable[Any]]
"""Answers a request of a route to whoever asks."""


class Question(Struct):
    query: str | None = None
    variables: dict[str, Any] | None = None
    operationName: str | None = None  # noqa: N815  as GraphQL spells it


async def answer(body: bytes, is_json: bool, answered: Answer) -> dict[str, Any]:
    """Raises MlflowError for what is no question."""
    asked = fields.of_body(Question, body, is_json)
    if not asked.query:
        raise missing_value("query")

    async def ask(method: str, path: str, given: Mapping[str, Any]) -> Any:
        found = finding.find(method, f"/2.0/mlflow/{path}")
        if found is None:
            raise MlflowError(f"There is no {path} here.", NO_ENDPOINT)
        return await answered(found[0], fields.of_values(found[0].request, given))

    return await execution.execute(asked.query, asked.operationName, asked.variables or {}, ask)
