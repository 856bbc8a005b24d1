"""Which registered models and versions a filter of MLflow's means, and in which order.

Prompts are registered models with a tag. They are found where the filter asks for that tag, and by no other search.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from msgspec import Struct

from faena.mlflow.errors import MlflowError
from faena.mlflow.filters import sql
from faena.mlflow.filters.language import Clause, Value, parse, parse_orders
from faena.models.name_store import names
from faena.models.name_store import tags as name_tags
from faena.models.store import TAG, labels, versions

IS_PROMPT = "mlflow.prompt.is_prompt"
_ATTRIBUTE = frozenset({"", "attribute", "attributes", "attr"})
_TAGS = frozenset({"tag", "tags"})


class _Kind(Struct, frozen=True):
    texts: Mapping[str, sa.ColumnElement[Any]]
    lists: frozenset[str]
    numbers: Mapping[str, sa.ColumnElement[Any]]
    orders: Mapping[str, sa.ColumnElement[Any]]
    tags: sa.Table
    of: sa.ColumnElement[bool]
    """Whether a row of `tags` belongs to the one that is looked at."""
    default: tuple[sa.ColumnElement[Any], ...]
    """The order where none is asked for."""
    ties: Mapping[str, sa.ColumnElement[Any]]
    """What decides where what is asked for is equal, by the names of `orders`."""


_MODELS = _Kind(
    texts={"name": names.c.name},
    lists=frozenset({"name"}),
    numbers={},
    orders={
        "name": names.c.name,
        "timestamp": names.c.changed_at,
        "last_updated_timestamp": names.c.changed_at,
        "creation_timestamp": names.c.created_at,
    },
    tags=name_tags,
    of=name_tags.c.name == names.c.name,
    default=(names.c.name.asc(),),
    ties={"name": names.c.name.asc()},
)
_VERSIONS = _Kind(
    texts={
        "name": versions.c.name,
        "run_id": sa.func.coalesce(versions.c.run_id, versions.c.told_run, ""),
        "source_path": versions.c.source,
    },
    lists=frozenset({"name", "run_id"}),
    numbers={"version_number": versions.c.version},
    orders={
        "name": versions.c.name,
        "version_number": versions.c.version,
        "last_updated_timestamp": versions.c.changed_at,
        "creation_timestamp": versions.c.created_at,
    },
    tags=labels,
    of=(labels.c.name == versions.c.name) & (labels.c.version == versions.c.version) & (labels.c.kind == TAG),
    default=(versions.c.changed_at.desc(), versions.c.name.asc(), versions.c.version.desc()),
    ties={"name": versions.c.name.asc(), "version_number": versions.c.version.desc()},
)


def of_models(text: str | None) -> list[sa.ColumnElement[bool]]:
    """Raises MlflowError with what cannot be read."""
    return _conditions(_MODELS, text)


def of_versions(text: str | None) -> list[sa.ColumnElement[bool]]:
    """Raises MlflowError with what cannot be read."""
    return _conditions(_VERSIONS, text)


def orders_of_models(order_by: Sequence[str]) -> list[sa.ColumnElement[Any]]:
    return _orders(_MODELS, order_by)


def orders_of_versions(order_by: Sequence[str]) -> list[sa.ColumnElement[Any]]:
    return _orders(_VERSIONS, order_by)


def _conditions(kind: _Kind, text: str | None) -> list[sa.ColumnElement[bool]]:
    clauses = parse(text)
    found = [_condition(kind, clause) for clause in clauses if not _is_of_prompts(clause)]
    for clause in filter(_is_of_prompts, clauses):
        sql.text(clause, kind.tags.c.value, what="tags")  # says what is wrong with it
    is_prompt = _has(kind, (kind.tags.c.key == IS_PROMPT) & (sa.func.lower(kind.tags.c.value) == "true"))
    wanted = any(map(_wants_prompts, clauses))
    return [*found, is_prompt if wanted else ~is_prompt]


def _is_of_prompts(clause: Clause) -> bool:
    return clause.key.entity in _TAGS and clause.key.name == IS_PROMPT


def _wants_prompts(clause: Clause) -> bool:
    if not _is_of_prompts(clause) or clause.operator not in ("=", "!="):
        return False
    return (clause.values[0].text.lower() == "true") is (clause.operator == "=")


def _condition(kind: _Kind, clause: Clause) -> sa.ColumnElement[bool]:
    entity, name = clause.key.entity, clause.key.name
    if entity in _TAGS:
        return _has(kind, (kind.tags.c.key == name) & sql.text(clause, kind.tags.c.value, what="tags"))
    if entity not in _ATTRIBUTE:
        raise MlflowError(f"Invalid entity type {entity!r}. Valid values are attribute, tag.")
    if name in kind.texts:
        return sql.text(clause, kind.texts[name], lists=name in kind.lists)
    if name in kind.numbers:
        return sql.number(_as_number(clause), kind.numbers[name])
    raise MlflowError(
        f"Invalid attribute key {name!r} specified. Valid keys are {', '.join((*kind.texts, *kind.numbers))}"
    )


def _as_number(clause: Clause) -> Clause:
    """A whole one may stand in quotation marks."""
    if len(clause.values) != 1:
        return clause
    text = clause.values[0].text
    if not text.removeprefix("-").isdecimal():
        raise MlflowError(f"Invalid value for numeric attribute '{clause.key.name}': {text[:80]!r}")
    return Clause(clause.key, clause.operator, (Value(text, False),))


def _has(kind: _Kind, test: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    return sa.exists().where(kind.of, test)


def _orders(kind: _Kind, order_by: Sequence[str]) -> list[sa.ColumnElement[Any]]:
    found: dict[str, sa.ColumnElement[Any]] = {}
    for order in parse_orders(order_by):
        name = order.key.name
        if order.key.entity not in _ATTRIBUTE or name not in kind.orders:
            raise MlflowError(
                f"Invalid order by key '{name[:80]}' specified. Valid keys are '{', '.join(kind.orders)}'"
            )
        if name in found:
            raise MlflowError(f"`order_by` contains duplicate fields: {list(order_by)[:20]}")
        column = kind.orders[name]
        found[name] = column.desc() if order.descending else column.asc()
    if not found:
        return list(kind.default)
    return [*found.values(), *(column for name, column in kind.ties.items() if name not in found)]
