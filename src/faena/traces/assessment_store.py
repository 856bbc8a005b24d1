"""SQL of assessments."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from faena.db import BigInteger, Integer, Read, String, Text, Write, metadata
from faena.db.prepared import Prepared
from faena.traces.model import Assessment, Verdict

assessments = sa.Table(
    "trace_assessments",
    metadata,
    sa.Column("trace_id", sa.ForeignKey("traces.id"), primary_key=True),
    sa.Column("id", String(64), primary_key=True),
    sa.Column("name", String(255), nullable=False),
    sa.Column("kind", String(16), nullable=False),
    sa.Column("value", Text, nullable=False),
    sa.Column("number", sa.Double),
    sa.Column("error", Text),
    sa.Column("rationale", Text),
    sa.Column("source_kind", String(64), nullable=False),
    sa.Column("source_id", Text, nullable=False),
    sa.Column("span_id", String(64)),
    sa.Column("metadata", Text, nullable=False),
    sa.Column("created_at", BigInteger, nullable=False),
    sa.Column("changed_at", BigInteger, nullable=False),
    sa.Column("overrides", String(64)),
    sa.Column("is_valid", Integer, nullable=False),
)
"""`value`, `error` and `metadata` are JSON; `number` is the value where that is one."""

_PLAIN = (
    "trace_id",
    "id",
    "name",
    "rationale",
    "source_kind",
    "source_id",
    "span_id",
    "created_at",
    "changed_at",
    "overrides",
)


def put(write: Write, given: Assessment) -> None:
    """Add, or replace the one of the same trace and id."""
    write.execute(assessments.delete().where(_is(given.trace_id, given.id)))
    write.execute(assessments.insert().values(_row(given)))


def delete(write: Write, trace_id: str, assessment_id: str) -> None:
    write.execute(assessments.delete().where(_is(trace_id, assessment_id)))


def get(read: Read, trace_id: str, assessment_id: str) -> Assessment | None:
    row = read.execute(assessments.select().where(_is(trace_id, assessment_id))).first()
    return None if row is None else _assessment(row)


def set_valid(write: Write, trace_id: str, assessment_id: str, valid: bool) -> int:
    """How many there are of this id."""
    change = assessments.update().where(_is(trace_id, assessment_id)).values(is_valid=int(valid))
    return write.execute(change).rowcount


_OF_TRACE = Prepared(
    assessments.select()
    .where(assessments.c.trace_id == sa.bindparam("of"))
    .order_by(assessments.c.created_at, assessments.c.id)
)


def of_trace(read: Read, trace_id: str) -> list[Assessment]:
    """The first ones first."""
    return [_assessment(row) for row in read.execute(_OF_TRACE, {"of": trace_id})]


def of_traces(read: Read, trace_ids: Sequence[str]) -> dict[str, list[Assessment]]:
    """Those of each, the first ones first."""
    found: dict[str, list[Assessment]] = defaultdict(list)
    mine = assessments.c.trace_id.in_(trace_ids)
    for row in read.execute(
        assessments.select().where(mine).order_by(assessments.c.created_at, assessments.c.id)
    ):
        found[row.trace_id].append(_assessment(row))
    return found


def _is(trace_id: str, assessment_id: str) -> sa.ColumnElement[bool]:
    return (assessments.c.trace_id == trace_id) & (assessments.c.id == assessment_id)


def _row(given: Assessment) -> dict[str, Any]:
    value = given.value
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return {
        **{name: getattr(given, name) for name in _PLAIN},
        "kind": given.kind.value,
        "value": _json(value),
        "number": float(value) if is_number else None,
        "error": None if given.error is None else _json(given.error),
        "metadata": _json(given.metadata),
        "is_valid": int(given.is_valid),
    }


def _assessment(row: Any) -> Assessment:
    return Assessment(
        **{name: getattr(row, name) for name in _PLAIN},
        kind=Verdict(row.kind),
        value=msgspec.json.decode(row.value),
        error=None if row.error is None else msgspec.json.decode(row.error),
        metadata=msgspec.json.decode(row.metadata),
        is_valid=bool(row.is_valid),
    )


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
