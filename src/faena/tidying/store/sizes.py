"""What a deletion frees: bytes that nothing else refers to."""

from __future__ import annotations

import sqlalchemy as sa

from faena.data.store import snapshot_objects
from faena.db import Read
from faena.models.store import files as model_files
from faena.models.store import versions
from faena.objects.store import objects
from faena.runs.store import runs
from faena.traces.span_store import spans
from faena.traces.store import files as trace_files
from faena.traces.store import is_there, traces
from faena.tracking.store.files import run_files
from faena.tracking.store.logs import segments
from faena.tracking.store.metric_chunks import chunks
from faena.tracking.store.metrics import series
from faena.tracking.store.packs import packs
from faena.tracking.store.streams import streams

_of_version = (model_files.c.name == versions.c.name) & (model_files.c.version == versions.c.version)


def freed(read: Read, deletion: int) -> int:
    """Bytes that go with what the deletion marks: objects that only it refers to, and rows of the database."""
    gone = sa.select(runs.c.id).where(runs.c.deletion == deletion)
    referred = sa.union(
        sa.select(run_files.c.digest).where(run_files.c.deletion == deletion),
        sa.select(run_files.c.digest).where(run_files.c.run_id.in_(gone)),
        sa.select(packs.c.digest).where(packs.c.run_id.in_(gone)),
        sa.select(model_files.c.digest).join(versions, _of_version).where(versions.c.deletion == deletion),
        sa.select(trace_files.c.digest).join(traces).where(traces.c.run_id.in_(gone)),
        sa.select(snapshot_objects.c.object)
        .join(runs, runs.c.snapshot == snapshot_objects.c.snapshot)
        .where(runs.c.deletion == deletion),
    )
    only = sa.select(sa.func.sum(objects.c.size)).where(objects.c.digest.in_(referred), ~_is_needed())
    return int(read.execute(only).scalar() or 0) + _in_rows(read, deletion, gone)


def _is_needed() -> sa.ColumnElement[bool]:
    """Whether something that is not deleted refers to the object."""
    digest = objects.c.digest
    there = runs.c.deletion.is_(None)
    return sa.or_(
        sa.exists().where(
            run_files.c.digest == digest,
            run_files.c.deletion.is_(None),
            run_files.c.run_id == runs.c.id,
            there,
        ),
        sa.exists().where(packs.c.digest == digest, packs.c.run_id == runs.c.id, there),
        sa.exists().where(trace_files.c.digest == digest, trace_files.c.trace_id == traces.c.id, is_there()),
        sa.exists().where(model_files.c.digest == digest, _of_version, versions.c.deletion.is_(None)),
        sa.exists().where(
            snapshot_objects.c.object == digest, snapshot_objects.c.snapshot == runs.c.snapshot, there
        ),
    )


def _in_rows(read: Read, deletion: int, gone: sa.Select[tuple[str]]) -> int:
    points = (
        sa.select(sa.func.sum(chunks.c.size))
        .join(series)
        .where(series.c.run_id.in_(gone), chunks.c.data.is_not(None))
    )
    logs = sa.select(sa.func.sum(segments.c.size)).join(streams)
    of_runs = logs.where(streams.c.run_id.in_(gone))
    of_logs = logs.where(streams.c.deletion == deletion)
    told = sa.select(sa.func.sum(sa.func.length(spans.c.told))).join(traces).where(traces.c.run_id.in_(gone))
    unpacked = segments.c.data.is_not(None)
    # the logs that are marked lie in packs with metrics; those are written anew without them
    return sum(
        int(read.execute(query).scalar() or 0) for query in (points, told, of_runs.where(unpacked), of_logs)
    )
