"""Which logged models a filter of MLflow's means, and in which order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from msgspec import Struct, field

from faena.mlflow.errors import MlflowError
from faena.mlflow.filters import sql
from faena.mlflow.filters.language import MOST, MOST_KEYS, Clause, parse
from faena.models.logged.model import LoggedStatus
from faena.models.logged.store import PARAM, TAG, TOLD, labels, metrics, models

_TEXTS: dict[str, sa.ColumnElement[Any]] = {
    "name": models.c.name,
    "model_id": models.c.id,
    "model_type": models.c.kind,
    "source_run_id": sa.func.coalesce(
        models.c.run_id,
        sa.select(labels.c.value)
        .where(labels.c.model_id == models.c.id, labels.c.kind == TOLD)
        .scalar_subquery(),
    ),
    "status": sa.case(
        (models.c.status == LoggedStatus.READY.value, "READY"),
        (models.c.status == LoggedStatus.PENDING.value, "PENDING"),
        else_="UPLOAD_FAILED",
    ),
}
_TIMES: dict[str, sa.ColumnElement[Any]] = {
    "creation_timestamp": models.c.created_at / 1000,
    "creation_time": models.c.created_at / 1000,
    "last_updated_timestamp": models.c.changed_at / 1000,
}


class Dataset(Struct):
    dataset_name: str | None = None
    dataset_digest: str | None = None


class OrderBy(Struct):
    field_name: str | None = None
    ascending: bool = True
    dataset_name: str | None = None
    dataset_digest: str | None = None


class Order(Struct, frozen=True):
    columns: list[sa.ColumnElement[Any]] = field(default_factory=list)
    joins: list[tuple[sa.FromClause, sa.ColumnElement[bool]]] = field(default_factory=list)


def conditions(text: str | None, datasets: Sequence[Dataset]) -> list[sa.ColumnElement[bool]]:
    """`datasets`: on one of which the metrics of the filter were measured, or any metric where it names none.

    Raises MlflowError with what is wrong.
    """
    if len(datasets) > MOST:
        raise MlflowError(f"The filter has {len(datasets):,} data sets; at most {MOST} are read.")
    try:
        clauses = parse(text)
    except MlflowError as error:
        raise MlflowError(
            f"Invalid filter string: {(text or '')[:200]!r}. Expected a list of comparisons separated by 'AND' (e.g. "
            f"'metrics.loss > 0.1 AND params.lr = 0.01'). {error.message}"
        ) from error
    found = [_condition(clause, datasets) for clause in clauses]
    if datasets:
        found.append(models.c.id.in_(sa.select(metrics.c.model_id).where(_on_one_of(datasets))))
    return found


def _condition(clause: Clause, datasets: Sequence[Dataset]) -> sa.ColumnElement[bool]:
    match clause.key.entity:
        case "metric" | "metrics":
            test = (metrics.c.name == clause.key.name) & sql.number(clause, metrics.c.value, what="metric")
            if datasets:
                test &= _on_one_of(datasets)
            return models.c.id.in_(sa.select(metrics.c.model_id).where(test))
        case "param" | "params":
            return _labelled(clause, PARAM, "parameter")
        case "tag" | "tags":
            return _labelled(clause, TAG, "tag")
        case "" | "attribute" | "attributes":
            if (time := _TIMES.get(clause.key.name)) is not None:
                return sql.number(clause, time)
            if (text := _TEXTS.get(clause.key.name)) is not None:
                return sql.text(clause, text, lists=True)
    raise MlflowError(f"Invalid filter key {clause.shown!r}: there is no such field of logged models.")


def _labelled(clause: Clause, kind: str, what: str) -> sa.ColumnElement[bool]:
    here = (labels.c.kind == kind) & (labels.c.key == clause.key.name)
    if (wants_none := sql.is_null(clause)) is not None:
        having = models.c.id.in_(sa.select(labels.c.model_id).where(here))
        return ~having if wants_none else having
    test = here & sql.text(clause, labels.c.value, what=what)
    return models.c.id.in_(sa.select(labels.c.model_id).where(test))


def _on_one_of(datasets: Sequence[Dataset]) -> sa.ColumnElement[bool]:
    return sa.or_(*(_on(metrics, each.dataset_name, each.dataset_digest) for each in datasets))


def _on(table: Any, name: str | None, digest: str | None) -> sa.ColumnElement[bool]:
    found: sa.ColumnElement[bool] = sa.true()
    if name:
        found &= table.c.dataset == name
    if digest:
        found &= table.c.dataset_digest == digest
    return found


def order(order_by: Sequence[OrderBy]) -> Order:
    """The latest first, unless told; what has no such value last. Raises MlflowError for a field there is not."""
    made = Order()
    if len(order_by) > MOST_KEYS:
        raise MlflowError(f"The order has {len(order_by):,} keys; at most {MOST_KEYS} are read.")
    for asked in order_by:
        name = asked.field_name or ""
        entity, _, key = name.partition(".")
        value: sa.ColumnElement[Any]
        if entity in ("metric", "metrics") and key:
            table = metrics.alias()
            on = (table.c.model_id == models.c.id) & (table.c.name == key)
            made.joins.append((table, on & _on(table, asked.dataset_name, asked.dataset_digest)))
            value = table.c.value
        elif (known := {**_TEXTS, **_TIMES}.get(name)) is not None:
            value = known
        else:
            raise MlflowError(
                f"Invalid order_by field {name[:100]!r}: there is no such field of logged models."
            )
        made.columns.extend((value.is_(None), value.asc() if asked.ascending else value.desc()))
    made.columns.extend((models.c.created_at.desc(), models.c.id))
    return made
