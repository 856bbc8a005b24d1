"""SQL of runs: their rows. Their phases, attempts and what is noted of them have stores of their own."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from functools import cache
from operator import itemgetter
from typing import Any

import msgspec
import sqlalchemy as sa
from msgspec.structs import replace

from faena.compute.waiting import Gpu
from faena.db import BigInteger, Integer, Read, String, Text, Write, lists, metadata, partial_index
from faena.db.prepared import Prepared
from faena.kernel.clock import Micros
from faena.kernel.errors import FaenaError
from faena.objects.references import SNAPSHOT
from faena.runs import other_runs
from faena.runs.model import EndReason, Run, RunStatus
from faena.workspaces import needs, visibility

OF_RUN = {"belongs_to": "runs"}
"""The mark of a column that names the run whose rows go with it, when it is removed for good: `info=OF_RUN`."""

QUEUED: sa.ColumnElement[Any] = sa.literal_column("status = 'Queued'")
UNPREPARED: sa.ColumnElement[Any] = sa.literal_column("status IN ('NotStarted', 'Preparing')")
RESERVED: sa.ColumnElement[Any] = sa.literal_column("reserved")
"""As they are spelled in the indexes below: a database uses one of a part of the rows for no other spelling."""

runs = sa.Table(
    "runs",
    metadata,
    sa.Column("id", String(300), primary_key=True),
    sa.Column("experiment", sa.ForeignKey("experiments.name"), nullable=False),
    sa.Column("number", Integer, nullable=False),
    sa.Column("status", String(16), nullable=False),
    sa.Column("version", BigInteger, nullable=False),
    sa.Column("user", String(255), nullable=False),
    sa.Column("cluster", String(64), nullable=False),
    sa.Column("node_count", Integer, nullable=False),
    sa.Column("snapshot", String(64), nullable=False, index=True, info=SNAPSHOT),
    sa.Column("submission", sa.LargeBinary, nullable=False),
    sa.Column("attempt", Integer, nullable=False),
    sa.Column("created_at", BigInteger, nullable=False),
    sa.Column("queued_at", BigInteger),
    sa.Column("started_at", BigInteger),
    sa.Column("ended_at", BigInteger),
    sa.Column("cancel_requested_at", BigInteger),
    sa.Column("reserved", sa.Boolean, nullable=False),
    sa.Column("reason", String(16)),
    sa.Column("message", Text),
    sa.Column("last_lines", sa.LargeBinary),
    sa.Column("exit_code", Integer),
    sa.Column("signal", Integer),
    sa.Column("lock", String(64)),
    sa.Column("python", Text),
    sa.Column("parent", sa.ForeignKey("runs.id"), index=True),
    sa.Column("type", String(32), nullable=False),
    sa.Column("name", String(255)),
    sa.Column("commit", String(64), index=True),
    sa.Column("branch", Text),
    sa.Column("description", Text),
    sa.Column("archived_at", BigInteger),
    sa.Column("deletion", Integer),
    sa.Column("threads", Text),
    sa.Column("gpu", String(8), nullable=False, server_default=Gpu.NONE.value),
    sa.Column("build", String(128)),
    sa.Column("silent_since", BigInteger),
    sa.Index("runs_by_experiment", "experiment", "created_at", "id"),
    sa.Index("runs_by_time", "created_at", "id"),
    sa.Index("runs_by_user", "user", "id"),
    partial_index(
        "unfinished_runs",
        *("status", "type", "user", "experiment", "node_count", "ended_at"),
        where=sa.column("ended_at").is_(None),
    ),
    partial_index("runs_deleted", "deletion", where=sa.column("deletion").is_not(None)),
    partial_index(
        "queued_runs",
        *("cluster", "gpu", "user", "experiment", "queued_at", "id", "node_count", "status"),
        where=QUEUED,
    ),
    partial_index(
        "unprepared_runs", *("build", "created_at", "id", "cluster", "node_count", "status"), where=UNPREPARED
    ),
    partial_index("reserved_runs", "cluster", where=RESERVED),
)
"""`deletion`: the deletion that takes the run away; it is as if it were not there, until that is undone.

`gpu`: whether it wants one. `build`: the build that it waits for, until its environment is ready. `silent_since`: when
nothing more was heard of a node of it, while that is so.
"""

_COLUMNS = tuple(runs.columns.keys())
_in_order = itemgetter(*map(_COLUMNS.index, Run.__struct_fields__))
"""A run's fields, from a row."""
_STATUS, _REASON = map(Run.__struct_fields__.index, ("status", "reason"))


UNREADABLE = (msgspec.MsgspecError, ValueError, TypeError, LookupError, FaenaError)
"""What reading a row may raise that holds what it never should: it concerns that row alone."""


def as_run(row: Any) -> Run:
    """A row that begins with the columns of `runs`, in their order: by place they are read ten times faster."""
    values = list(_in_order(row))
    values[_STATUS] = RunStatus(values[_STATUS])
    values[_REASON] = EndReason(values[_REASON]) if values[_REASON] else None
    return Run(*values)


# Statements of every run's way are built once: to build one costs as much as to execute it.
_TOGETHER = 500
"""Ids in one question: a database takes so many parameters and no more."""
_run: sa.BindParameter[str] = sa.bindparam("run")
_now: sa.BindParameter[Micros] = sa.bindparam("now")
_ADD = Prepared(runs.insert())
_GET = Prepared(runs.select().where(runs.c.id == _run))
_GET_ALL = lists.prepared_for(lambda run_ids: runs.select().where(runs.c.id.in_(run_ids)))
_THERE = lists.prepared_for(lambda run_ids: sa.select(runs.c.id).where(runs.c.id.in_(run_ids)))
_UNCHANGED = Prepared(
    sa.select(runs.c.id).where(
        runs.c.id == _run,
        runs.c.version == sa.bindparam("version"),
        runs.c.status == sa.literal_column(f"'{RunStatus.RUNNING.value}'"),
    )
)
IS_UNFINISHED = runs.c.ended_at.is_(None)
_UNFINISHED = runs.select().where(IS_UNFINISHED).order_by(runs.c.created_at, runs.c.id)


@cache
def update_of(
    table: sa.Table, key: tuple[str, ...], columns: tuple[str, ...], *, counted: bool = False
) -> Prepared:
    """Sets columns (parameters `new_…`) of the row whose key columns are given (parameters `key_…`)."""
    values: dict[str, Any] = {column: sa.bindparam(f"new_{column}") for column in columns}
    if counted:
        values["version"] = table.c.version + 1
    which = [table.c[column] == sa.bindparam(f"key_{column}") for column in key]
    return Prepared(table.update().where(*which).values(**values))


def add(write: Write, run: Run) -> None:
    values = {column: getattr(run, column) for column in _COLUMNS}
    write.execute(_ADD, {**values, "status": run.status.value, "reason": None})


def get(read: Read, run_id: str) -> Run | None:
    """None where there is none for whoever the work is done for. Raises NotAllowed: see `visibility.is_there`."""
    row = read.execute(_GET, {"run": run_id}).first()
    if row is None or not visibility.is_there(read, row.experiment):
        return None
    (run,) = without_hidden(read, [as_run(row)])
    return run


def get_many(read: Read, run_ids: Sequence[str]) -> dict[str, Run]:
    """By id, in the order of the ids; without those that cannot be read."""
    with suppress(*UNREADABLE):
        there = all_of(read, list(dict.fromkeys(run_ids)))
        return {run_id: there[run_id] for run_id in run_ids if run_id in there}
    found: dict[str, Run] = {}
    for run_id in run_ids:  # one by one, where one of them cannot be read
        with suppress(*UNREADABLE):
            if run := get(read, run_id):
                found[run_id] = run
    return found


def all_of(read: Read, run_ids: Sequence[str]) -> dict[str, Run]:
    """By id; raises what reading a row raises."""
    rows = lists.execute(read, _GET_ALL, run_ids)
    there = [as_run(row) for row in rows if visibility.is_there(read, row.experiment)]
    return {run.id: run for run in without_hidden(read, there)}


def without_hidden(read: Read, found: list[Run]) -> list[Run]:
    """The runs, without ids of others that are not there for who reads: an id tells its experiment's name."""
    if isinstance(read, Write) or not read.view.hidden:
        return found
    named = {run.id: other_runs.named(run.submission) for run in found}
    others = {run.parent for run in found if run.parent is not None}.union(*named.values())
    there = those_there(read, others)
    return [
        replace(
            run,
            parent=run.parent if run.parent in there else None,
            submission=other_runs.without(run.submission, named[run.id] - there),
        )
        for run in found
    ]


def those_there(read: Read, run_ids: Collection[str]) -> set[str]:
    """Of these ids, those of runs that whoever reads may know of."""
    return {row.id for row in lists.execute(read, _THERE, sorted(run_ids))} if run_ids else set()


def is_running_unchanged(read: Read, run_id: str, version: int) -> bool:
    """Whether the run is Running, and as it was at that version: without reading it."""
    return read.execute(_UNCHANGED, {"run": run_id, "version": version}).first() is not None


def unfinished(read: Read) -> list[Run]:
    """Oldest first; without those whose rows cannot be read."""
    found = []
    for row in read.execute(_UNFINISHED):
        with suppress(*UNREADABLE):
            found.append(as_run(row))
    return found


def unfinished_ids(read: Read) -> list[str]:
    """Also of those whose rows cannot be read."""
    return list(read.execute(sa.select(runs.c.id).where(runs.c.ended_at.is_(None))).scalars())


@needs.keepers.add
def kept_while_unfinished(read: Read, run_ids: Sequence[str], _: needs.Models) -> needs.Kept | None:
    found: list[str] = []
    for start in range(0, len(run_ids), _TOGETHER):
        part = run_ids[start : start + _TOGETHER]
        query = sa.select(runs.c.id).where(runs.c.id.in_(part), runs.c.ended_at.is_(None))
        found += read.execute(query).scalars()
    if not found:
        return None
    why = f"Not ended yet: {needs.few(found)}. Cancel with `faena cancel RUN`, or wait, and delete then."
    return needs.Kept(tuple(found), why)


@needs.environments.add
def needed_environments(read: Read) -> frozenset[str]:
    """Digests of the locks that runs which have not ended have."""
    statement = sa.select(runs.c.lock).where(runs.c.ended_at.is_(None), runs.c.lock.is_not(None))
    return frozenset(read.execute(statement).scalars())


def update(write: Write, run_id: str, changes: dict[str, Any]) -> None:
    """Change columns and grow the version."""
    statement = update_of(runs, ("id",), tuple(changes), counted=True)
    write.execute(statement, {"key_id": run_id, **{f"new_{name}": value for name, value in changes.items()}})


def update_many(write: Write, changes: Mapping[str, dict[str, Any]]) -> None:
    """By run; the same columns of each."""
    if changes:
        columns = tuple(next(iter(changes.values())))
        rows = [
            {"key_id": run_id, **{f"new_{name}": changed[name] for name in columns}}
            for run_id, changed in changes.items()
        ]
        write.execute(update_of(runs, ("id",), columns, counted=True), rows)
