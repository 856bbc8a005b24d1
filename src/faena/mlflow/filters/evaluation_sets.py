"""Which evaluation sets a filter of MLflow's means, and in which order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from faena.mlflow.errors import MlflowError
from faena.mlflow.filters import sql
from faena.mlflow.filters.language import Clause, parse, parse_orders
from faena.traces.evaluation_sets.store import sets, tags

_ATTRIBUTE = frozenset({"", "attribute", "attributes", "attr"})
_TAG = frozenset({"tag", "tags"})
_TEXTS: dict[str, sa.ColumnElement[Any]] = {
    "name": sets.c.name,
    "created_by": sets.c.created_by,
    "last_updated_by": sets.c.changed_by,
}
_NUMBERS: dict[str, sa.ColumnElement[Any]] = {
    "created_time": sets.c.created_at / 1000,
    "last_update_time": sets.c.changed_at / 1000,
}
_ORDERS = {"name": sets.c.name, "created_time": sets.c.created_at, "last_update_time": sets.c.changed_at}


def conditions(text: str | None) -> list[sa.ColumnElement[bool]]:
    """Raises MlflowError with what cannot be read."""
    return [_condition(clause) for clause in parse(text)]


def _condition(clause: Clause) -> sa.ColumnElement[bool]:
    entity, name = clause.key.entity, clause.key.name
    if entity in _TAG:
        mine = (tags.c.key == name) & sql.text(clause, tags.c.value, what="tags")
        return sets.c.id.in_(sa.select(tags.c.set_id).where(mine))
    if entity not in _ATTRIBUTE:
        raise MlflowError(f"Invalid entity type {entity!r}. Valid values are attribute, tag.")
    if name in _TEXTS:
        return sql.text(clause, _TEXTS[name], lists=name == "name")
    if name in _NUMBERS:
        return sql.number(clause, _NUMBERS[name])
    raise MlflowError(
        f"Invalid attribute key {name[:100]!r} specified. Valid keys are {', '.join((*_TEXTS, *_NUMBERS))}"
    )


def orders(order_by: Sequence[str]) -> list[sa.ColumnElement[Any]]:
    """The latest first, unless told. Raises MlflowError with what cannot be read."""
    found: list[sa.ColumnElement[Any]] = []
    for order in parse_orders(order_by or ["created_time DESC"]):
        if order.key.entity not in _ATTRIBUTE or order.key.name not in _ORDERS:
            raise MlflowError(
                f"Invalid order_by key '{order.key.name[:100]}'. Valid keys are {', '.join(_ORDERS)}"
            )
        column = _ORDERS[order.key.name]
        found.append(column.desc() if order.descending else column.asc())
    return [*found, sets.c.id.desc()]
