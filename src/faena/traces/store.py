"""SQL of traces, of their tags and metadata, files, and the runs that they were put to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from faena.db import BigInteger, Integer, Read, String, Text, Write, metadata, upsert
from faena.db.hiding import EVERYTHING
from faena.db.prepared import Prepared
from faena.kernel.errors import Conflict
from faena.objects.references import OBJECT
from faena.runs.store import runs
from faena.traces import assessment_store, span_store
from faena.traces.model import Assessment, Trace, TraceFile, TraceStatus
from faena.workspaces import visibility

traces = sa.Table(
    "traces",
    metadata,
    sa.Column("id", String(64), primary_key=True),
    sa.Column("experiment_id", Integer, nullable=False),
    sa.Column("run_id", String(300), index=True),
    sa.Column("began_at", BigInteger, nullable=False),
    sa.Column("ended_at", BigInteger),
    sa.Column("status", String(16), nullable=False),
    sa.Column("request", Text),
    sa.Column("response", Text),
    sa.Column("client_request_id", String(255)),
    sa.Column("is_whole", Integer, nullable=False),
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

links = sa.Table(
    "trace_runs",
    metadata,
    sa.Column("trace_id", sa.ForeignKey("traces.id"), primary_key=True),
    sa.Column("run_id", String(300), primary_key=True, index=True),
)
"""Runs that a trace was put to later, besides the one in which it was made."""

_COLUMNS = (
    "id",
    "experiment_id",
    "run_id",
    "began_at",
    "ended_at",
    "request",
    "response",
    "client_request_id",
)


def add(write: Write, trace: Trace) -> None:
    """Raises Conflict where it is there, in an experiment that is not there for whoever tells of it."""
    if write.view is not EVERYTHING and write.execute(_ONE, {"of": trace.id}).first() is not None:
        raise Conflict(f"The id {trace.id} is another trace's. Make a new one for this trace.")
    values = {name: getattr(trace, name) for name in _COLUMNS}
    more = {"status": trace.status.value, "is_whole": int(trace.is_whole)}
    write.execute(_ADD, {**values, **more})
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
    if changes:
        write.execute(traces.update().where(traces.c.id == trace_id).values(dict(changes)))


def get(read: Read, trace_id: str) -> Trace | None:
    row = read.execute(_ONE, {"of": trace_id}).first()
    if row is None or not visibility.is_there(read, row.experiment_id):
        return None
    marks: dict[str, dict[str, str]] = {TAG: {}, METADATA: {}}
    for each in read.execute(_LABELS, {"of": trace_id}):
        marks[each.kind][each.key] = each.value
    return _trace(row, marks[TAG], marks[METADATA], assessment_store.of_trace(read, trace_id))


_ADD = Prepared(traces.insert())
_ONE = Prepared(traces.select().where(traces.c.id == sa.bindparam("of")))
_LABELS = Prepared(labels.select().where(labels.c.trace_id == sa.bindparam("of")).order_by(labels.c.key))


def find(
    read: Read,
    where: Sequence[sa.ColumnElement[bool]],
    order: Sequence[sa.ColumnElement[Any]],
    first: int,
    most: int,
) -> list[Trace]:
    """So many at most behind the `first` ones."""
    statement = traces.select().where(*where).order_by(*order).offset(first).limit(most)
    rows = [row for row in read.execute(statement) if visibility.is_there(read, row.experiment_id)]
    if not rows:
        return []
    ids = [row.id for row in rows]
    marks: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    for row in read.execute(labels.select().where(labels.c.trace_id.in_(ids)).order_by(labels.c.key)):
        marks[row.trace_id, row.kind][row.key] = row.value
    said = assessment_store.of_traces(read, ids)
    return [_trace(row, marks[row.id, TAG], marks[row.id, METADATA], said[row.id]) for row in rows]


def _trace(row: Any, tags: dict[str, str], told: dict[str, str], said: list[Assessment]) -> Trace:
    return Trace(
        **{name: getattr(row, name) for name in _COLUMNS},
        status=TraceStatus(row.status),
        is_whole=bool(row.is_whole),
        tags=tags,
        metadata=told,
        assessments=said,
    )


def delete(write: Write, ids: Sequence[str]) -> None:
    """With all that belongs to them; their bytes go when nothing else refers to them."""
    for table in (labels, files, links, span_store.spans, assessment_store.assessments):
        write.execute(table.delete().where(table.c.trace_id.in_(ids)))
    write.execute(traces.delete().where(traces.c.id.in_(ids)))


def is_there() -> sa.ColumnElement[bool]:
    """Of a trace: whether the run in which it was made is not deleted."""
    gone = sa.select(runs.c.id).where(runs.c.id == traces.c.run_id, runs.c.deletion.is_not(None))
    return ~sa.exists(gone)


def of_runs(read: Read, run_ids: Sequence[str], most: int) -> list[str]:
    """Ids of traces that were made in these runs, so many at most."""
    query = sa.select(traces.c.id).where(traces.c.run_id.in_(run_ids)).limit(most)
    return list(read.execute(query).scalars())


def unlink_runs(write: Write, run_ids: Sequence[str]) -> None:
    """Traces that were put to these runs, and made elsewhere, stay."""
    write.execute(links.delete().where(links.c.run_id.in_(run_ids)))


def linked_runs(read: Read, ids: Sequence[str]) -> dict[str, list[str]]:
    """The runs that traces were put to, by their ids."""
    found: dict[str, list[str]] = defaultdict(list)
    for row in read.execute(links.select().where(links.c.trace_id.in_(ids)).order_by(links.c.run_id)):
        found[row.trace_id].append(row.run_id)
    return found


def link(write: Write, trace_ids: Iterable[str], run_id: str) -> None:
    rows = [{"trace_id": trace_id, "run_id": run_id} for trace_id in trace_ids]
    upsert(write, links, rows, update=[])


def put_file(write: Write, trace_id: str, file: TraceFile) -> None:
    """Add a file, or replace the one of its path."""
    upsert(write, files, {**msgspec.structs.asdict(file), "trace_id": trace_id}, update=["digest", "size"])


def files_of(read: Read, trace_id: str) -> list[TraceFile]:
    statement = files.select().where(files.c.trace_id == trace_id).order_by(files.c.path)
    return [TraceFile(row.path, row.digest, row.size) for row in read.execute(statement)]


def remove_files(write: Write, trace_id: str, paths: Iterable[str]) -> None:
    write.execute(files.delete().where(files.c.trace_id == trace_id, files.c.path.in_(list(paths))))
