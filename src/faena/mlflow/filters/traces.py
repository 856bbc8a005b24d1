"""Which traces a filter of MLflow's means, and in which order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from faena.mlflow.errors import MlflowError, invalid_value
from faena.mlflow.filters import of_traces, sql
from faena.mlflow.filters.language import Clause, parse, parse_orders
from faena.mlflow.words import SOURCE_RUN, TRACE_NAME
from faena.traces.model import TraceStatus
from faena.traces.store import METADATA, TAG, labels, links, traces

STATUS = {"IN_PROGRESS": TraceStatus.IN_PROGRESS, "OK": TraceStatus.OK, "ERROR": TraceStatus.FAILED}
WORDS = {ours: theirs for theirs, ours in STATUS.items()}
_NUMBERED = ("STATE_UNSPECIFIED", "OK", "ERROR", "IN_PROGRESS")
_UNTOLD = {"STATE_UNSPECIFIED": TraceStatus.IN_PROGRESS, "TRACE_STATUS_UNSPECIFIED": TraceStatus.IN_PROGRESS}
_ATTRIBUTE = frozenset({"", "attribute", "attributes", "attr", "trace"})
_TAG = frozenset({"tag", "tags"})
_METADATA = frozenset({"metadata", "request_metadata", "trace_metadata"})
_took = (traces.c.ended_at - traces.c.began_at) / 1000
_NUMBERS: dict[str, sa.ColumnElement[Any]] = {
    **dict.fromkeys(("timestamp", "timestamp_ms", "request_time"), traces.c.began_at / 1000),
    **dict.fromkeys(("execution_time", "execution_time_ms", "execution_duration"), _took),
    **dict.fromkeys(
        ("end_time", "end_time_ms"), sa.func.coalesce(traces.c.ended_at, traces.c.began_at) / 1000
    ),
}
_word = sa.case(
    *((traces.c.status == ours.value, theirs) for theirs, ours in STATUS.items()), else_="IN_PROGRESS"
)
_TEXTS: dict[str, sa.ColumnElement[Any]] = {
    **dict.fromkeys(("status", "state"), _word),
    **dict.fromkeys(("request_id", "trace_id"), traces.c.id),
    "experiment_id": sa.cast(traces.c.experiment_id, sa.Text),
    "client_request_id": traces.c.client_request_id,
}
_NAMED = {"name": (TAG, TRACE_NAME), "run_id": (METADATA, SOURCE_RUN)}
"""Attributes that are kept as a tag or among the metadata."""


def status(given: str | int | None, parameter: str) -> TraceStatus:
    """Raises MlflowError."""
    word = _NUMBERED[given] if isinstance(given, int) and 0 <= given < len(_NUMBERED) else str(given)
    if (known := (STATUS | _UNTOLD).get(word)) is None:
        raise invalid_value(parameter, given, f"one of {', '.join(STATUS)}")
    return known


def conditions(text: str | None) -> list[sa.ColumnElement[bool]]:
    """Raises MlflowError with what cannot be read. What is asked of spans must hold of one of them."""
    clauses = parse(text)
    spans = [clause for clause in clauses if of_traces.is_of_spans(clause)]
    found = [_condition(clause) for clause in clauses if not of_traces.is_of_spans(clause)]
    return [*found, of_traces.having_span(spans)] if spans else found


def _condition(clause: Clause) -> sa.ColumnElement[bool]:
    entity, name = clause.key.entity, clause.key.name
    if entity in _TAG:
        return _labelled(clause, TAG, name)
    if entity in _METADATA:
        return _made_in(clause) if name == SOURCE_RUN else _labelled(clause, METADATA, name)
    if (kind := of_traces.VERDICTS.get(entity)) is not None:
        return of_traces.assessed(clause, kind)
    if entity not in _ATTRIBUTE:
        raise MlflowError(
            f"Invalid entity type {entity!r}. Valid values are attribute, tag, request_metadata, span, feedback, "
            "expectation, issue."
        )
    if name == "run_id":
        return _made_in(clause)
    if name == "prompt":
        return of_traces.prompted(clause)
    if name in _NAMED:
        return _labelled(clause, *_NAMED[name])
    if name in _NUMBERS:
        return sql.number(clause, _NUMBERS[name])
    if name in _TEXTS:
        return sql.text(clause, _TEXTS[name], lists=True)
    raise _unknown(name)


def _made_in(clause: Clause) -> sa.ColumnElement[bool]:
    """In a run, or put to it later."""
    made = _labelled(clause, METADATA, SOURCE_RUN)
    if clause.operator not in ("=", "IN"):
        return made
    put = sa.select(links.c.trace_id).where(sql.text(clause, links.c.run_id, lists=True))
    return made | sql.text(clause, traces.c.run_id, lists=True) | traces.c.id.in_(put)


def _labelled(clause: Clause, kind: str, key: str) -> sa.ColumnElement[bool]:
    here = (labels.c.kind == kind) & (labels.c.key == key)
    if (wants_none := sql.is_null(clause)) is not None:
        having = traces.c.id.in_(sa.select(labels.c.trace_id).where(here))
        return ~having if wants_none else having
    test = sql.text(clause, labels.c.value, lists=True, what="tags")
    return traces.c.id.in_(sa.select(labels.c.trace_id).where(here & test))


def orders(order_by: Sequence[str]) -> list[sa.ColumnElement[Any]]:
    """The latest first, unless told. Raises MlflowError with what cannot be read."""
    found: list[sa.ColumnElement[Any]] = []
    for order in parse_orders(order_by):
        name = order.key.name
        if (order.key.entity in _ATTRIBUTE and name in _NAMED) or order.key.entity in (*_TAG, *_METADATA):
            kind = TAG if order.key.entity in _TAG else METADATA
            value = _value_of(*(_NAMED[name] if order.key.entity in _ATTRIBUTE else (kind, name)))
        elif order.key.entity in _ATTRIBUTE and name in {**_NUMBERS, **_TEXTS}:
            value = {**_NUMBERS, **_TEXTS}[name]
        else:
            raise _unknown(name)
        found += [value.is_(None), value.desc() if order.descending else value.asc()]
    return [*found, traces.c.began_at.desc(), traces.c.id]


def _value_of(kind: str, key: str) -> sa.ColumnElement[Any]:
    mine = (labels.c.trace_id == traces.c.id) & (labels.c.kind == kind) & (labels.c.key == key)
    return sa.select(labels.c.value).where(mine).scalar_subquery()


def _unknown(name: str) -> MlflowError:
    known = ", ".join((*_TEXTS, *_NUMBERS, *_NAMED))
    return MlflowError(f"Invalid attribute key {name[:100]!r} specified. Valid keys are {known}")
