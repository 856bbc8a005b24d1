"""A question answered: what it names at the top is asked for, and of that the fields that it chooses are given."""

from __future__ import annotations

import math
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from faena.kernel.errors import FaenaError
from faena.mlflow.errors import MlflowError
from faena.mlflow.graphql import limits
from faena.mlflow.graphql.documents import (
    Document,
    Field,
    Malformed,
    Operation,
    Selection,
    Variable,
    parse,
)
from faena.mlflow.graphql.types import FLOAT, LONG, MUTATIONS, QUERIES, TEXT, TYPES, WORD, YES, Kind, Root

Ask = Callable[[str, str, Mapping[str, Any]], Awaitable[Any]]
"""Answers (method, path, fields) as the route of that path does."""
_OF_RUN = "MlflowRunExtension"
_MOST_SHOWN = 100


async def execute(text: str, name: str | None, variables: Mapping[str, Any], ask: Ask) -> dict[str, Any]:
    """`{"data": ..., "errors": [...] or None}`."""
    try:
        document = parse(text)
        operation = _chosen(document, name)
        limits.check(document, operation)
    except Malformed as error:
        return {"data": None, "errors": [str(error)]}
    execution = _Execution(document, {**operation.defaults, **variables}, ask)
    data = await execution.root(operation)
    return {"data": data, "errors": execution.errors or None}


def _chosen(document: Document, name: str | None) -> Operation:
    found = [each for each in document.operations if not name or each.name == name]
    if len(found) != 1:
        raise Malformed(
            f"Unknown operation named '{name[:100]}'." if name else "Must provide operation name."
        )
    return found[0]


class _Execution:
    def __init__(self, document: Document, variables: Mapping[str, Any], ask: Ask) -> None:
        self._document = document
        self._variables = variables
        self._ask = ask
        self.errors: list[str] = []

    async def root(self, operation: Operation) -> dict[str, Any] | None:
        known = MUTATIONS if operation.kind == "mutation" else QUERIES
        data: dict[str, Any] = {}
        for field in self._fields(operation.selections):
            if (root := known.get(field.name)) is None:
                self.errors.append(f"Cannot query field '{field.name}' on type '{operation.kind.title()}'.")
                continue
            try:
                data[field.key] = await self._complete(
                    Kind(root.kind), await self._answered(root, field), field
                )
            except (MlflowError, FaenaError) as error:
                self.errors.append(error.message)
                data[field.key] = None
            except Malformed as error:
                self.errors.append(str(error))
        return data or None

    async def _answered(self, root: Root, field: Field) -> Any:
        given = self._given(field.arguments)
        if not root.path:
            return {"output": given.get("inputString")}
        told = given.get("input") or {}
        if not isinstance(told, dict):
            raise MlflowError(f"The input of '{field.name}' is an object.")
        return await self._ask(root.method, root.path, {_snake(name): value for name, value in told.items()})

    def _given(self, value: Any) -> Any:
        """With variables by their values."""
        if isinstance(value, Variable):
            return self._variables.get(value.name)
        if isinstance(value, dict):
            return {name: self._given(each) for name, each in value.items()}
        return [self._given(each) for each in value] if isinstance(value, list) else value

    def _fields(self, selections: Sequence[Selection]) -> list[Field]:
        return list(limits.spread(self._document, selections, self._is_wanted))

    def _is_wanted(self, selection: Selection) -> bool:
        return all(bool(self._given(each.value)) is each.wanted for each in selection.conditions)

    async def _complete(self, kind: Kind, value: Any, field: Field) -> Any:
        if kind.is_list:
            return [await self._complete(Kind(kind.name), each, field) for each in value or ()]
        if kind.name not in TYPES:
            return _scalar(kind.name, value)
        if value is None and kind.name == "ApiError":
            return None
        if not field.selections:
            raise Malformed(f"Field '{field.name}' of type '{kind.name}' must have a selection of subfields.")
        return await self._object(kind.name, value or {}, field)

    async def _object(self, type_name: str, value: Mapping[str, Any], field: Field) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for each in self._fields(field.selections):
            if each.name == "__typename":
                made[each.key] = type_name
                continue
            if (kind := TYPES[type_name].get(each.name)) is None:
                raise Malformed(f"Cannot query field '{each.name[:_MOST_SHOWN]}' on type '{type_name}'.")
            inner = value.get(_snake(each.name))
            if type_name == _OF_RUN and each.name in ("experiment", "modelVersions"):
                inner = await self._of_run(value["info"], each.name)
            made[each.key] = await self._complete(kind, inner, each)
        return made

    async def _of_run(self, info: Mapping[str, Any], name: str) -> Any:
        """What MLflow has beside a run."""
        if name == "experiment":
            asked = {"experiment_id": info["experiment_id"]}
            return (await self._ask("GET", "experiments/get", asked))["experiment"]
        found = await self._ask("GET", "model-versions/search", {"filter": f"run_id='{info['run_id']}'"})
        return found.get("model_versions", [])


def _scalar(kind: str, value: Any) -> Any:
    """What is not told is empty, as with protocol buffers; of a number that JSON has none for there is nothing."""
    match kind:
        case _ if kind == TEXT:
            return "" if value is None else str(value)
        case _ if kind == LONG:
            return str(value or 0)
        case _ if kind == YES:
            return bool(value)
        case _ if kind == FLOAT:
            number = float(value or 0)
            return number if math.isfinite(number) else None
    assert kind == WORD, kind
    return value


def _snake(name: str) -> str:
    return re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", name)
