"""SQL of spans."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from faena.db import BigInteger, Read, String, Text, Write, metadata, upsert
from faena.traces.model import Span, SpanStatus

spans = sa.Table(
    "trace_spans",
    metadata,
    sa.Column("trace_id", sa.ForeignKey("traces.id"), primary_key=True),
    sa.Column("id", String(16), primary_key=True),
    sa.Column("parent_id", String(16)),
    sa.Column("name", Text, nullable=False),
    sa.Column("kind", Text, nullable=False),
    sa.Column("status", String(8), nullable=False),
    sa.Column("began_ns", BigInteger, nullable=False),
    sa.Column("ended_ns", BigInteger),
    sa.Column("told", Text, nullable=False),
)
_CHANGING = [column.name for column in spans.c if not column.primary_key]


def put(write: Write, given: Sequence[Span]) -> None:
    """Add, or replace those of the same trace and id."""
    rows = [{**msgspec.structs.asdict(span), "status": span.status.value} for span in given]
    upsert(write, spans, rows, update=_CHANGING)


def outline(read: Read, trace_id: str) -> list[Span]:
    """All of a trace, in no order, without what they told: that is most of their bytes."""
    names = ("id", "parent_id", "name", "began_ns", "ended_ns", "status", "kind")
    columns: list[sa.ColumnElement[Any]] = [spans.c[name] for name in names]
    query = sa.select(*columns).where(spans.c.trace_id == trace_id)
    rows: Sequence[Any] = read.execute(query).all()
    # positions and a table of states: a trace may have 100,000
    return [
        Span(row[0], trace_id, row[1], row[2], row[3], row[4], _STATES[row[5]], "", row[6]) for row in rows
    ]


_STATES = {each.value: each for each in SpanStatus}


def get(read: Read, trace_id: str, span_id: str) -> Span | None:
    query = spans.select().where(spans.c.trace_id == trace_id, spans.c.id == span_id)
    row = read.execute(query).first()
    return None if row is None else _span(row, row.told)


def of_traces(read: Read, trace_ids: Sequence[str]) -> dict[str, list[Span]]:
    """Those of each: the one without a parent first, then as they began."""
    found: dict[str, list[Span]] = defaultdict(list)
    first = sa.case((spans.c.parent_id.is_(None), 0), else_=1)
    wanted = (
        spans.select().where(spans.c.trace_id.in_(trace_ids)).order_by(first, spans.c.began_ns, spans.c.id)
    )
    for row in read.execute(wanted):
        found[row.trace_id].append(_span(row, row.told))
    return found


def _span(row: Any, told: str) -> Span:
    return Span(
        id=row.id,
        trace_id=row.trace_id,
        parent_id=row.parent_id,
        name=row.name,
        began_ns=row.began_ns,
        ended_ns=row.ended_ns,
        status=_STATES[row.status],
        told=told,
        kind=row.kind,
    )
