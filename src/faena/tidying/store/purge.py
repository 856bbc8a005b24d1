"""Removes rows for good, a few runs in a transaction."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from faena.db import Read, Write, metadata
from faena.kernel.clock import Micros
from faena.models import name_store
from faena.models import store as models
from faena.models.store import versions
from faena.runs.store import OF_RUN, runs
from faena.traces import store as traces
from faena.tracking.store.files import run_files
from faena.tracking.store.logs import segments
from faena.tracking.store.metric_chunks import chunks
from faena.tracking.store.metrics import series
from faena.tracking.store.packs import packs
from faena.tracking.store.streams import streams

DELETED_RUN = "faena.deleted_run"
"""The property of a model that names the run which it came from, and which is gone."""


def marked_runs(read: Read, deletion: int, limit: int) -> list[str]:
    """Children before their parents, so that each can go by itself."""
    child = runs.alias()
    has_children = sa.exists().where(child.c.parent == runs.c.id)
    query = sa.select(runs.c.id).where(runs.c.deletion == deletion, ~has_children).limit(limit)
    return list(read.execute(query).scalars())


def marked_logs(read: Read, deletion: int, limit: int) -> list[tuple[int, str, int]]:
    """(id, run, attempt) of streams."""
    columns = (streams.c.id, streams.c.run_id, streams.c.attempt)
    query = sa.select(*columns).where(streams.c.deletion == deletion).limit(limit)
    return [(row.id, row.run_id, row.attempt) for row in read.execute(query)]


def traces_of(read: Read, run_ids: Sequence[str], limit: int) -> list[str]:
    """Ids of traces that were made in these runs."""
    return traces.of_runs(read, run_ids, limit)


def forget_traces(write: Write, trace_ids: Sequence[str]) -> None:
    traces.delete(write, trace_ids)


def forget_runs(write: Write, run_ids: Sequence[str]) -> None:
    """All rows of these runs. Models that came from them stay, and name them in a property."""
    of_series = sa.select(series.c.id).where(series.c.run_id.in_(run_ids))
    of_streams = sa.select(streams.c.id).where(streams.c.run_id.in_(run_ids))
    write.execute(chunks.delete().where(chunks.c.series_id.in_(of_series)))
    write.execute(segments.delete().where(segments.c.stream_id.in_(of_streams)))
    for table in (series, streams, packs, run_files):
        write.execute(table.delete().where(table.c.run_id.in_(run_ids)))
    came = sa.select(versions.c.name, versions.c.version, versions.c.run_id).where(
        versions.c.run_id.in_(run_ids)
    )
    for row in write.execute(came).all():
        models.set_labels(write, row.name, row.version, models.PROPERTY, {DELETED_RUN: row.run_id})
    traces.unlink_runs(write, run_ids)
    gone = {"run_id": None, "told_run": versions.c.run_id}
    write.execute(versions.update().where(versions.c.run_id.in_(run_ids)).values(**gone))
    for table in reversed(metadata.sorted_tables):  # what refers to another goes before it
        for column in table.c:
            if column.info == OF_RUN:
                write.execute(table.delete().where(column.in_(run_ids)))
    write.execute(runs.delete().where(runs.c.id.in_(run_ids)))


def forget_files(write: Write, deletion: int) -> None:
    write.execute(run_files.delete().where(run_files.c.deletion == deletion))


def forget_models(write: Write, deletion: int, now: Micros) -> None:
    """Their rows stay, emptied: nobody gets the number again."""
    marked = sa.select(versions.c.name, versions.c.version).where(versions.c.deletion == deletion)
    for row in write.execute(marked).all():
        models.delete(write, row.name, row.version, now)
    write.execute(versions.update().where(versions.c.deletion == deletion).values(deletion=None))
    name_store.forget(write, deletion)


def forget_logs(write: Write, stream_ids: Sequence[int]) -> None:
    write.execute(segments.delete().where(segments.c.stream_id.in_(stream_ids)))
    write.execute(streams.delete().where(streams.c.id.in_(stream_ids)))
