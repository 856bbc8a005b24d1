"""Bytes by experiment, by run and by model, as if nothing were shared."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from faena.db import Read
from faena.models.store import files as model_files
from faena.models.store import versions
from faena.runs.store import runs
from faena.tidying.schemas import ShareView
from faena.tracking.store.files import run_files
from faena.tracking.store.logs import segments
from faena.tracking.store.metric_chunks import chunks
from faena.tracking.store.metrics import series
from faena.tracking.store.packs import packs
from faena.tracking.store.streams import streams

_Sums = dict[str, int]


def by_experiment(read: Read) -> list[ShareView]:
    """The largest first."""
    statement = (
        sa.select(runs.c.experiment, sa.func.count().label("number"))
        .where(runs.c.deletion.is_(None))
        .group_by(runs.c.experiment)
    )
    counts = {row.experiment: row.number for row in read.execute(statement)}
    files, rest = _sums(read, runs.c.experiment)
    shares = [ShareView(name, count, files.get(name, 0), rest.get(name, 0)) for name, count in counts.items()]
    return _largest_first(shares)


def largest_runs(read: Read, limit: int) -> list[ShareView]:
    files, rest = _sums(read, runs.c.id)
    shares = [ShareView(name, 1, files.get(name, 0), rest.get(name, 0)) for name in {*files, *rest}]
    return _largest_first(shares)[:limit]


def by_model(read: Read) -> list[ShareView]:
    """All versions of each name; `runs` counts them."""
    there = versions.c.deletion.is_(None) & versions.c.deleted_at.is_(None)
    same = (model_files.c.name == versions.c.name) & (model_files.c.version == versions.c.version)
    statement = (
        sa.select(
            versions.c.name,
            sa.func.count(versions.c.version.distinct()).label("number"),
            sa.func.sum(model_files.c.size).label("total"),
        )
        .join(model_files, same)
        .where(there)
        .group_by(versions.c.name)
    )
    shares = [ShareView(row.name, row.number, int(row.total), 0) for row in read.execute(statement)]
    return _largest_first(shares)


def _largest_first(shares: list[ShareView]) -> list[ShareView]:
    return sorted(shares, key=lambda share: (-share.files - share.logs_and_metrics, share.name))


def _sums(read: Read, key: sa.ColumnElement[str]) -> tuple[_Sums, _Sums]:
    """Bytes of files, and bytes of logs and metrics, by `key` of the runs that are there."""
    files = _sum(read, key, run_files.c.size, run_files, run_files.c.run_id, run_files.c.deletion.is_(None))
    rest: _Sums = {}
    for part in (
        _sum(read, key, packs.c.size, packs, packs.c.run_id),
        _sum(read, key, chunks.c.size, chunks.join(series), series.c.run_id, chunks.c.data.is_not(None)),
        _sum(
            read, key, segments.c.size, segments.join(streams), streams.c.run_id, segments.c.data.is_not(None)
        ),
    ):
        for name, size in part.items():
            rest[name] = rest.get(name, 0) + size
    return files, rest


def _sum(
    read: Read,
    key: sa.ColumnElement[str],
    size: sa.ColumnElement[Any],
    table: sa.FromClause,
    run_id: sa.ColumnElement[str],
    *conditions: sa.ColumnElement[bool],
) -> _Sums:
    statement = (
        sa.select(key.label("name"), sa.func.sum(size).label("total"))
        .select_from(table.join(runs, runs.c.id == run_id))
        .where(runs.c.deletion.is_(None), *conditions)
        .group_by(key)
    )
    return {row.name: int(row.total) for row in read.execute(statement)}
