"""Which experiments a filter of MLflow's means, and in which order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from faena.db import json_member
from faena.mlflow.errors import MlflowError
from faena.mlflow.filters import sql
from faena.mlflow.filters.language import Clause, parse, parse_orders
from faena.workspaces.store import experiments

_ATTRIBUTE = frozenset({"", "attribute", "attributes", "attr"})
_TAG = frozenset({"tag", "tags"})
_TIMES = {
    "creation_time": experiments.c.created_at / 1000,
    "last_update_time": experiments.c.changed_at / 1000,
}
_COLUMNS: dict[str, sa.ColumnElement[Any]] = {
    **_TIMES,
    "name": experiments.c.name,
    "experiment_id": experiments.c.id,
}


def conditions(text: str | None) -> list[sa.ColumnElement[bool]]:
    """Raises MlflowError with what cannot be read."""
    return [_condition(clause) for clause in parse(text)]


def _condition(clause: Clause) -> sa.ColumnElement[bool]:
    entity, name = clause.key.entity, clause.key.name
    if entity in _TAG:
        value = json_member(experiments.c.tags, name)
        if (wants_none := sql.is_null(clause)) is not None:
            return value.is_(None) if wants_none else value.is_not(None)
        return sql.text(clause, value, what="tag")
    if entity not in _ATTRIBUTE:
        raise MlflowError(f"Invalid entity type {entity!r}. Valid entity types are attribute, tag.")
    if name in _TIMES:
        return sql.number(clause, _TIMES[name])
    if name == "name":
        return sql.text(clause, experiments.c.name)
    if name == "experiment_id":
        return sql.text(clause, sa.cast(experiments.c.id, sa.Text), lists=True)
    raise MlflowError(f"Invalid attribute key {name!r} specified. Valid keys are {', '.join(_COLUMNS)}")


def orders(order_by: Sequence[str]) -> list[sa.ColumnElement[Any]]:
    """The latest first, unless told. Raises MlflowError with what cannot be read."""
    found: list[sa.ColumnElement[Any]] = []
    for order in parse_orders(order_by):
        if order.key.entity not in _ATTRIBUTE or order.key.name not in _COLUMNS:
            raise MlflowError(
                f"Invalid attribute key {order.key.name!r} specified. Valid keys are {', '.join(_COLUMNS)}"
            )
        column = _COLUMNS[order.key.name]
        found.append(column.desc() if order.descending else column.asc())
    return [*(found or [experiments.c.created_at.desc()]), experiments.c.id.desc()]
