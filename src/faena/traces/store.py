"""SQL of traces."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from faena.db import BigInteger, Integer, Read, String, Text, Write, metadata, upsert
from faena.objects.references import OBJECT
from faena.traces.model import Trace, TraceFile, TraceStatus

traces = sa.Table(
    "traces",
    metadata,
    sa.Column("id", String(64), primary_key=True),
    sa.Column("experiment_id", Integer, nullable=False),
    sa.Column("run_id", String(300), index=True),
    sa.Column("began_at", BigInteger, nullable=False),
    sa.Column("ended_at", BigInteger),
    sa.Column("status", String(16), nullable=False),
    sa.Index("traces_by_experiment", "experiment_id", "began_at"),
)

labels = sa.Table(
    "trace_labels",
    metadata,
    sa.Column("trace_id", sa.ForeignKey("traces.id"), primary_key=True),
    sa.Column("kind", String(8), primary_key=True),
    sa.Column("key", String(255), primary_key=True),
    sa.Column("value", Text, nullable=False),
)
TAG, METADATA = "tag", "metadata"

files = sa.Table(
    "trace_files",
    metadata,
    sa.Column("trace_id", sa.ForeignKey("traces.id"), primary_key=True),
    sa.Column("path", Text, primary_key=True),
    sa.Column("digest", sa.ForeignKey("objects.digest"), nullable=False, index=True, info=OBJECT),
    sa.Column("size", BigInteger, nullable=False),
)

_COLUMNS = ("id", "experiment_id", "run_id", "began_at", "ended_at")


def add(write: Write, trace: Trace) -> None:
    values = {name: getattr(trace, name) for name in _COLUMNS}
    write.execute(traces.insert().values({**values, "status": trace.status.value}))
    set_labels(write, trace.id, TAG, trace.tags)
    set_labels(write, trace.id, METADATA, trace.metadata)


def set_labels(write: Write, trace_id: str, kind: str, values: Mapping[str, str]) -> None:
    """Add, or replace those of the same key."""
    rows = [{"trace_id": trace_id, "kind": kind, "key": key, "value": value} for key, value in values.items()]
    upsert(write, labels, rows, update=["value"])


def remove_tag(write: Write, trace_id: str, key: str) -> None:
    mine = (labels.c.trace_id == trace_id) & (labels.c.kind == TAG) & (labels.c.key == key)
    write.execute(labels.delete().where(mine))


def change(write: Write, trace_id: str, changes: Mapping[str, Any]) -> None:
    write.execute(traces.update().where(traces.c.id == trace_id).values(dict(changes)))


def get(read: Read, trace_id: str) -> Trace | None:
    return next(iter(find(read, [traces.c.id == trace_id], [], 0, 1)), None)


def find(
    read: Read,
    where: Sequence[sa.ColumnElement[bool]],
    order: Sequence[sa.ColumnElement[Any]],
    first: int,
    most: int,
) -> list[Trace]:
    """So many at most behind the `first` ones."""
    statement = traces.select().where(*where).order_by(*order).offset(first).limit(most)
    rows = read.execute(statement).all()
    marks: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    of_these = labels.c.trace_id.in_([row.id for row in rows])
    for row in read.execute(labels.select().where(of_these).order_by(labels.c.key)):
        marks[row.trace_id, row.kind][row.key] = row.value
    return [
        Trace(
            **{name: getattr(row, name) for name in _COLUMNS},
            status=TraceStatus(row.status),
            tags=marks[row.id, TAG],
            metadata=marks[row.id, METADATA],
        )
        for row in rows
    ]


def delete(write: Write, ids: Sequence[str]) -> None:
    """With all that belongs to them; their bytes go when nothing else refers to them."""
    for table in (labels, files):
        write.execute(table.delete().where(table.c.trace_id.in_(ids)))
    write.execute(traces.delete().where(traces.c.id.in_(ids)))


def put_file(write: Write, trace_id: str, file: TraceFile) -> None:
    """Add a file, or replace the one of its path."""
    upsert(write, files, {**msgspec.structs.asdict(file), "trace_id": trace_id}, update=["digest", "size"])


def files_of(read: Read, trace_id: str) -> list[TraceFile]:
    statement = files.select().where(files.c.trace_id == trace_id).order_by(files.c.path)
    return [TraceFile(row.path, row.digest, row.size) for row in read.execute(statement)]


def remove_files(write: Write, trace_id: str, paths: Iterable[str]) -> None:
    write.execute(files.delete().where(files.c.trace_id == trace_id, files.c.path.in_(list(paths))))
