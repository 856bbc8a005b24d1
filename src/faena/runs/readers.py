"""Which of the latest runs were given which data."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import suppress
from typing import Any

import msgspec
import sqlalchemy as sa
from msgspec import Struct

from faena.db import Read, has_bytes
from faena.db.prepared import Prepared
from faena.kernel.clock import Micros
from faena.runs.inputs import dataset_id
from faena.runs.store import UNREADABLE, runs
from faena.runs.submission_schemas import DataInput

LATEST = 2_000
"""Runs that are looked at: what they were given is told in no column."""
_LONGEST = 1 << 20
"""Bytes of a submission that is read."""
_LATEST = (
    sa.select(runs.c.id, runs.c.name, runs.c.status, runs.c.created_at, runs.c.submission)
    .where(runs.c.deletion.is_(None), sa.func.length(runs.c.submission) < sa.literal_column(str(_LONGEST)))
    .order_by(runs.c.created_at.desc(), runs.c.id.desc())
    .limit(sa.literal_column(str(LATEST)))
    .subquery()
)
_LATEST_GIVEN = Prepared(
    sa.select(_LATEST)
    .where(has_bytes(_LATEST.c.submission, b'"inputs":[{'))
    .order_by(_LATEST.c.created_at.desc(), _LATEST.c.id.desc())
)


class Reader(Struct, frozen=True):
    run_id: str
    title: str
    status: str
    created_at: Micros
    input: str
    """What the run calls it."""


class _Asked(Struct):
    inputs: tuple[DataInput, ...] = ()


def store_key(name: str) -> str:
    """Of a datastore, among ids of datasets."""
    return f"store/{name}"


def latest(read: Read) -> dict[str, list[Reader]]:
    """By the id of a dataset, or the key of a datastore that the run was given itself; the latest run first."""
    found: dict[str, list[Reader]] = {}
    for row, given in _given(read):
        for each in given:
            key = store_key(each.datastore) if each.datastore else dataset_id(each)
            reader = Reader(row.id, row.name or row.id, row.status, row.created_at, each.name)
            found.setdefault(key, []).append(reader)
    return found


def of_runs(read: Read, run_ids: Collection[str]) -> tuple[str, ...]:
    """Runs that were given files which these have left, the latest first; not those that are among them."""
    among = set(run_ids)
    return tuple(
        row.id
        for row, given in _given(read)
        if row.id not in among and any(each.run in among for each in given)
    )


def _given(read: Read) -> Iterator[tuple[Any, tuple[DataInput, ...]]]:
    """The latest runs that were given data, and which."""
    for row in read.execute(_LATEST_GIVEN):
        with suppress(*UNREADABLE):
            yield row, msgspec.json.decode(row.submission, type=_Asked).inputs
