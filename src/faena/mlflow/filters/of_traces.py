"""What a filter asks of the spans of traces, and of what was said of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from faena.db import Text, like, like_exactly
from faena.mlflow.errors import MlflowError
from faena.mlflow.filters import sql
from faena.mlflow.filters.language import ORDERS, TEXTS, Clause
from faena.mlflow.words import LINKED_PROMPTS
from faena.traces.assessment_store import assessments
from faena.traces.model import SpanStatus, Verdict
from faena.traces.span_store import spans
from faena.traces.store import TAG, labels, traces

VERDICTS = {word.value: word for word in Verdict}
_SPAN = "span"
_ATTRIBUTES = "attributes."
_LONGEST_PATTERN = 256
_STATUS = {SpanStatus.UNSET: "UNSET", SpanStatus.OK: "OK", SpanStatus.FAILED: "ERROR"}
_COLUMNS: dict[str, sa.ColumnElement[Any]] = {
    "name": spans.c.name,
    "type": spans.c.kind,
    "status": sa.case(
        *((spans.c.status == ours.value, theirs) for ours, theirs in _STATUS.items()), else_=""
    ),
}


def is_of_spans(clause: Clause) -> bool:
    return clause.key.entity == _SPAN or (clause.key.name == "text" and clause.key.entity in ("", "trace"))


def having_span(clauses: Sequence[Clause]) -> sa.ColumnElement[bool]:
    """Traces with a span of which all of these hold. Raises MlflowError."""
    return traces.c.id.in_(sa.select(spans.c.trace_id).where(*map(_of_span, clauses)))


def _of_span(clause: Clause) -> sa.ColumnElement[bool]:
    name = clause.key.name
    if clause.key.entity != _SPAN or name == "content":
        sql.check_operator(clause, ("LIKE", "ILIKE"))
        return _like(clause.operator, spans.c.told, _inside(_pattern(clause)))
    if name in _COLUMNS:
        return sql.text(clause, _COLUMNS[name], lists=True)
    if name.startswith(_ATTRIBUTES) and len(name) > len(_ATTRIBUTES):
        return _attribute(clause, name.removeprefix(_ATTRIBUTES))
    raise MlflowError(
        f"Invalid span attribute '{name[:100]}'. Supported attributes: content, name, status, type, "
        "attributes.<attribute_name>."
    )


def _attribute(clause: Clause, name: str) -> sa.ColumnElement[bool]:
    """An attribute of a span, as text: what is told of a span has it as `{"key":NAME,"value":{KIND:VALUE}}`."""
    sql.check_operator(clause, TEXTS)
    key = f'"key":"{_inside(name)}","value":{{'
    if clause.operator in ("LIKE", "ILIKE"):
        pattern = _inside(_pattern(clause))
        ways = [
            f'%{key}"string_value":"{pattern}"%',
            f'%{key}"____value":"{pattern}"%',
        ]  # of texts and of whole numbers
        return sa.or_(*(_like(clause.operator, spans.c.told, way) for way in ways))
    value = clause.values[0].text[:_LONGEST_PATTERN]
    shown = _inside(value)
    there = [
        f'"string_value":"{shown}"',
        f'"int_value":"{shown}"',
        f'"double_value":{shown}',
        f'"bool_value":{shown}',
    ]
    has = sa.or_(*(_contains(f"{key}{each}}}") for each in there))
    return has if clause.operator == "=" else _contains(key) & ~has


def _contains(text: str) -> sa.ColumnElement[bool]:
    return sa.func.replace(spans.c.told, sa.literal(text, Text()), "") != spans.c.told


def _pattern(clause: Clause) -> str:
    value = clause.values[0]
    if not value.is_text:
        raise MlflowError(
            f"Expected a quoted string value for span (e.g. 'my-value'). Got value {value.text}"
        )
    if len(value.text) > _LONGEST_PATTERN:
        raise MlflowError(f"A pattern has at most {_LONGEST_PATTERN} characters.")
    return value.text


def _inside(text: str) -> str:
    """As it stands between the quotation marks of JSON."""
    return msgspec.json.encode(text).decode()[1:-1]


def _like(operator: str, column: sa.ColumnElement[Any], pattern: str) -> sa.ColumnElement[bool]:
    """`pattern`: its backslashes are those of JSON, which the one takes for marks of its own."""
    if operator == "ILIKE":
        return like(column, pattern.replace("\\", "\\\\"))
    return like_exactly(column, pattern)


def assessed(clause: Clause, kind: Verdict) -> sa.ColumnElement[bool]:
    """Traces of which something was said under this name that is still valid. Raises MlflowError."""
    name = clause.key.name
    said: sa.ColumnElement[bool] = (assessments.c.kind == kind.value) & (assessments.c.is_valid == 1)
    if kind is Verdict.ISSUE:
        if name != "id":
            raise MlflowError(f"Invalid issue attribute '{name[:100]}'. Supported attributes: id")
        sql.check_operator(clause, ("=",))
        return _having(said & sql.text(clause, assessments.c.name))
    said &= assessments.c.name == name
    if (wants_none := sql.is_null(clause)) is not None:
        return ~_having(said) if wants_none else _having(said)
    if clause.operator in ORDERS and clause.operator not in ("=", "!="):
        return _having(said & sql.number(clause, assessments.c.number, what="assessment"))
    sql.check_operator(clause, TEXTS)
    value = clause.values[0].text
    if clause.operator in ("LIKE", "ILIKE"):
        return _having(said & _like(clause.operator, assessments.c.value, _inside(_pattern(clause))))
    same: sa.ColumnElement[bool] = assessments.c.value.in_([value, msgspec.json.encode(value).decode()])
    if (number := _number(value)) is not None:
        same |= assessments.c.number == number
    return _having(said & (same if clause.operator == "=" else ~same))


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _having(said: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    return traces.c.id.in_(sa.select(assessments.c.trace_id).where(said))


def prompted(clause: Clause) -> sa.ColumnElement[bool]:
    """Traces that a version of a prompt was put to. Raises MlflowError."""
    if clause.operator != "=":
        raise MlflowError(
            f"Invalid comparator '{clause.operator}' for prompts filter. Only '=' is supported with format: "
            'prompt = "name/version"'
        )
    if clause.values[0].text.count("/") != 1:
        raise MlflowError(
            f"Invalid prompts filter value '{clause.values[0].text[:100]}'. Expected format: prompt = \"name/version\""
        )
    name, _, version = clause.values[0].text.partition("/")
    text = json.dumps({"name": name, "version": version})  # as `link_prompts` writes it
    mine = (labels.c.kind == TAG) & (labels.c.key == LINKED_PROMPTS)
    there = sa.func.replace(labels.c.value, sa.literal(text, Text()), "") != labels.c.value
    return traces.c.id.in_(sa.select(labels.c.trace_id).where(mine & there))
