"""Which runs a filter of MLflow's means, and in which order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from faena.db import by_no_index
from faena.mlflow.errors import MlflowError
from faena.mlflow.filters import sql
from faena.mlflow.filters.language import LISTS, TEXTS, Clause, Key, parse, parse_orders
from faena.mlflow.words import NOTE, RUN_NAME, STATES_OF
from faena.runs import record_store
from faena.runs.store import runs
from faena.runs.used_datasets import used
from faena.tracking.model import SCRIPT
from faena.tracking.store.metrics import series
from faena.workspaces.store import experiments

_METRIC = frozenset({"metric", "metrics"})
_PARAM = frozenset({"param", "params", "parameter", "parameters"})
_TAG = frozenset({"tag", "tags"})
_ATTRIBUTE = frozenset({"", "attribute", "attributes", "attr", "run"})
_DATASET = frozenset({"dataset", "datasets"})
_DATASETS: dict[str, sa.ColumnElement[Any]] = {
    "name": used.c.name,
    "digest": used.c.digest,
    "context": used.c.context,
}
_MILLIS = 1000

_number = sa.select(experiments.c.id).where(experiments.c.name == runs.c.experiment).scalar_subquery()
_TEXTS: dict[str, sa.ColumnElement[Any]] = {
    "run_id": runs.c.id,
    "run_name": sa.func.coalesce(runs.c.name, runs.c.id),
    "user_id": runs.c.user,
    "experiment_id": sa.cast(_number, sa.Text),
    "artifact_uri": sa.literal("mlflow-artifacts:/")
    .concat(sa.cast(_number, sa.Text))
    .concat("/")
    .concat(runs.c.id)
    .concat("/artifacts"),
}
_NUMBERS: dict[str, sa.ColumnElement[Any]] = {
    "start_time": sa.func.coalesce(runs.c.started_at, runs.c.created_at) / _MILLIS,
    "end_time": runs.c.ended_at / _MILLIS,
}
_ALIASES = {
    "created": "start_time",
    "run name": "run_name",
    "name": "run_name",
    "run id": "run_id",
    "user": "user_id",
}
_WORDS = sa.case(
    *((runs.c.status.in_(ours), word) for word, ours in STATES_OF.items()),
    else_="RUNNING",
)

_LAST = by_no_index(series.c.last)
"""So that SQLite does not go by the index of values, in which runs come last."""


def conditions(text: str | None) -> list[sa.ColumnElement[bool]]:
    """Raises MlflowError with what cannot be read."""
    return [_condition(clause) for clause in parse(text)]


def _condition(clause: Clause) -> sa.ColumnElement[bool]:
    entity = clause.key.entity
    if entity in _METRIC:
        return _measured(clause)
    if entity in _PARAM:
        return _keyed(clause, record_store.parameters, "name", "parameter")
    if entity in _TAG:
        if clause.key.name == RUN_NAME:
            return _of_text(clause, _TEXTS["run_name"])
        if clause.key.name == NOTE:
            return _of_text(clause, runs.c.description)
        return _keyed(clause, record_store.tags, "key", "tag")
    if entity in _DATASET:
        if (column := _DATASETS.get(clause.key.name)) is None:
            raise MlflowError(
                f"Invalid dataset key {clause.key.name!r} specified. Valid keys are {', '.join(_DATASETS)}"
            )
        return _has(used, sql.text(clause, column, lists=True, what="datasets"))
    if entity not in _ATTRIBUTE:
        raise _unknown_entity(clause.key)
    name = _attribute(clause.key.name)
    if name in _NUMBERS:
        return sql.number(clause, _NUMBERS[name])
    if name == "status":
        return sql.text(clause, _WORDS)
    return sql.text(clause, _TEXTS[name], lists=name == "run_id")


def _of_text(clause: Clause, column: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    if (wants_none := sql.is_null(clause)) is not None:
        return column.is_(None) if wants_none else column.is_not(None)
    return sql.text(clause, column, what="tag")


def _keyed(clause: Clause, table: sa.Table, key: str, what: str) -> sa.ColumnElement[bool]:
    here = table.c[key] == clause.key.name
    if (wants_none := sql.is_null(clause)) is not None:
        return ~_has(table, here) if wants_none else _has(table, here)
    if clause.operator != "=":
        return _has(table, here & sql.text(clause, table.c.value, what=what))
    # the index holds heads of values; SQLite forgets it where the same column is compared as such, too
    whole = sql.text(clause, by_no_index(table.c.value), what=what)
    head = record_store.head(table.c.value) == clause.values[0].text[: record_store.HEAD]
    return _has(table, here & whole & head)


def _measured(clause: Clause) -> sa.ColumnElement[bool]:
    """Looked up run by run: a list would hold all runs with such a metric, of every experiment."""
    test = _metric(clause.key.name) & sql.number(clause, _LAST, what="metric")
    return sa.exists().where(series.c.run_id == runs.c.id, test)


def _has(table: sa.Table, test: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    return runs.c.id.in_(sa.select(table.c.run_id).where(test))


def _metric(name: str) -> sa.ColumnElement[bool]:
    return (series.c.name == name) & (series.c.source == SCRIPT) & series.c.latest


def _attribute(name: str) -> str:
    known = _ALIASES.get(name.lower(), name.lower())
    if known not in _TEXTS and known not in _NUMBERS and known != "status":
        raise MlflowError(
            f"Invalid attribute key {name!r} specified. Valid keys are {', '.join((*_TEXTS, *_NUMBERS, 'status'))}"
        )
    return known


def _unknown_entity(key: Key) -> MlflowError:
    return MlflowError(
        f"Invalid entity type {key.entity!r}. Valid values are metric, parameter, tag, attribute, dataset."
    )


def ordered(statement: sa.Select[Any], order_by: Sequence[str]) -> sa.Select[Any]:
    """What has no such value comes last and NaN just before it, both ways; equal ones the latest first."""
    orders: list[sa.ColumnElement[Any]] = []
    for order in parse_orders(order_by):
        key = order.key
        value: sa.ColumnElement[Any]
        rank: sa.ColumnElement[Any] | None = None
        if key.entity in _METRIC:
            table = series.alias()
            here = (table.c.name == key.name) & (table.c.source == SCRIPT) & table.c.latest
            statement = statement.outerjoin(table, (table.c.run_id == runs.c.id) & here)
            value = table.c.last
            rank = sa.case((table.c.last.is_not(None), 0), (table.c.last_is_nan, 1), else_=2)
        elif key.entity in _PARAM or (key.entity in _TAG and key.name not in (RUN_NAME, NOTE)):
            source, column = (
                (record_store.parameters, "name") if key.entity in _PARAM else (record_store.tags, "key")
            )
            table_of = source.alias()
            statement = statement.outerjoin(
                table_of, (table_of.c.run_id == runs.c.id) & (table_of.c[column] == key.name)
            )
            value = table_of.c.value
        elif key.entity in _TAG:
            value = runs.c.description if key.name == NOTE else _TEXTS["run_name"]
        elif key.entity in _ATTRIBUTE:
            name = _attribute(key.name)
            value = _WORDS if name == "status" else {**_TEXTS, **_NUMBERS}[name]
        else:
            raise _unknown_entity(key)
        missing = sa.case((value.is_(None), 1), else_=0) if rank is None else rank
        orders += [missing, value.desc() if order.descending else value.asc()]
    return statement.order_by(*orders, runs.c.created_at.desc(), runs.c.id)


__all__ = ["LISTS", "TEXTS", "conditions", "ordered"]
