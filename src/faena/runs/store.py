"""SQL of runs, their phases, tags, notes and attempts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cache
from typing import Any

import msgspec
import sqlalchemy as sa
from msgspec import Struct
from msgspec.structs import replace

from faena.compute.scheduling import Gpu
from faena.db import BigInteger, Integer, Read, String, Text, Write, metadata, partial_index, upsert
from faena.db.prepared import Prepared
from faena.kernel.clock import Micros
from faena.kernel.errors import FaenaError
from faena.objects.references import SNAPSHOT
from faena.runs.model import Attempt, AttemptState, EndReason, Outcome, Run, RunStatus
from faena.runs.parameters import number
from faena.workspaces import needs

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
    sa.Index("runs_by_experiment", "experiment", "created_at", "id"),
    sa.Index("runs_by_time", "created_at", "id"),
    partial_index("unfinished_runs", "status", where=sa.column("ended_at").is_(None)),
    partial_index("runs_deleted", "deletion", where=sa.column("deletion").is_not(None)),
    partial_index(
        "queued_runs",
        *("cluster", "gpu", "experiment", "queued_at", "id", "node_count", "status"),
        where=QUEUED,
    ),
    partial_index(
        "unprepared_runs", *("build", "created_at", "id", "cluster", "node_count", "status"), where=UNPREPARED
    ),
    partial_index("reserved_runs", "cluster", where=RESERVED),
)
"""`deletion`: the deletion that takes the run away; it is as if it were not there, until that is undone.

`gpu`: whether it wants one. `build`: the build that it waits for, until its environment is ready.
"""

phases = sa.Table(
    "run_phases",
    metadata,
    sa.Column("run_id", sa.ForeignKey("runs.id"), primary_key=True, info=OF_RUN),
    sa.Column("position", Integer, primary_key=True),
    sa.Column("name", String(16), nullable=False),
    sa.Column("attempt", Integer, nullable=False),
    sa.Column("started_at", BigInteger, nullable=False),
    sa.Column("ended_at", BigInteger),
)

HEAD = 100
"""Characters of a tag's or property's value that are indexed: a database takes no index of values of any length."""


def head(value: sa.ColumnElement[str]) -> sa.ColumnElement[str]:
    """The part of a value that is indexed; the number is spelled out, as in the index, so that it is used."""
    return sa.func.substr(value, sa.literal_column("1"), sa.literal_column(str(HEAD)))


tags = sa.Table(
    "run_tags",
    metadata,
    sa.Column("run_id", sa.ForeignKey("runs.id"), primary_key=True, info=OF_RUN),
    sa.Column("key", String(255), primary_key=True),
    sa.Column("value", Text, nullable=False),
)

properties = sa.Table(
    "run_properties",
    metadata,
    sa.Column("run_id", sa.ForeignKey("runs.id"), primary_key=True, info=OF_RUN),
    sa.Column("key", String(255), primary_key=True),
    sa.Column("value", Text, nullable=False),
)

sa.Index("run_tags_by_value", tags.c.key, head(tags.c.value))
sa.Index("run_properties_by_value", properties.c.key, head(properties.c.value))

parameters = sa.Table(
    "run_parameters",
    metadata,
    sa.Column("run_id", sa.ForeignKey("runs.id"), primary_key=True, info=OF_RUN),
    sa.Column("name", String(255), primary_key=True),
    sa.Column("value", Text, nullable=False),
    sa.Column("number", sa.Double),
)
"""`number`: the value, where it is one."""

sa.Index("run_parameters_by_value", parameters.c.name, head(parameters.c.value))
sa.Index("run_parameters_by_number", parameters.c.name, parameters.c.number)

notes = sa.Table(
    "run_notes",
    metadata,
    sa.Column("run_id", sa.ForeignKey("runs.id"), primary_key=True, info=OF_RUN),
    sa.Column("code", String(64), primary_key=True),
    sa.Column("message", Text, nullable=False),
)

attempts = sa.Table(
    "attempts",
    metadata,
    sa.Column("run_id", sa.ForeignKey("runs.id"), primary_key=True, info=OF_RUN),
    sa.Column("attempt", Integer, primary_key=True),
    sa.Column("rank", Integer, primary_key=True),
    sa.Column("node", String(64), nullable=False),
    sa.Column("state", String(16), nullable=False),
    sa.Column("outcome", sa.LargeBinary),
    partial_index("open_attempts", "state", where=sa.column("state") != AttemptState.CLOSED.value),
)


_COLUMNS = tuple(runs.columns.keys())


UNREADABLE = (msgspec.MsgspecError, ValueError, TypeError, LookupError, FaenaError)
"""What reading a row may raise that holds what it never should: it concerns that row alone."""


def as_run(row: Any) -> Run:
    """A row that begins with the columns of `runs`, in their order: by place they are read four times faster."""
    values = dict(zip(_COLUMNS, row, strict=False))
    values["status"] = RunStatus(row.status)
    values["reason"] = EndReason(row.reason) if row.reason else None
    return Run(**values)


# Statements of every run's way are built once: to build one costs as much as to execute it.
_LONGEST_NOTE = 4000
_TOGETHER = 500
"""Ids in one question: a database takes so many parameters and no more."""
_run: sa.BindParameter[str] = sa.bindparam("run")
_now: sa.BindParameter[Micros] = sa.bindparam("now")
_ADD = Prepared(runs.insert())
_GET = Prepared(runs.select().where(runs.c.id == _run))
_UNCHANGED = Prepared(
    sa.select(runs.c.id).where(
        runs.c.id == _run,
        runs.c.version == sa.bindparam("version"),
        runs.c.status == sa.literal_column(f"'{RunStatus.RUNNING.value}'"),
    )
)
_BEGIN_PHASE = Prepared(
    phases.insert().values(
        run_id=_run,
        position=sa.select(sa.func.count())
        .select_from(phases)
        .where(phases.c.run_id == _run)
        .scalar_subquery(),
        name=sa.bindparam("phase"),
        attempt=sa.bindparam("which"),
        started_at=_now,
    )
)
_ADD_PHASES = Prepared(phases.insert())
_END_PHASE = Prepared(
    phases.update()
    .where(phases.c.run_id == _run, phases.c.ended_at.is_(None))
    # a clock that was set back must not give a phase a negative length
    .values(ended_at=sa.case((phases.c.started_at > _now, phases.c.started_at), else_=_now))
)
_PHASES = Prepared(phases.select().where(phases.c.run_id == _run).order_by(phases.c.position))
_TAGS = Prepared(tags.select().where(tags.c.run_id == _run).order_by(tags.c.key))
_TAG_KEYS = Prepared(sa.select(tags.c.key).where(tags.c.run_id == _run))
_PROPERTIES = Prepared(properties.select().where(properties.c.run_id == _run).order_by(properties.c.key))
_ADD_PARAMETERS = Prepared(parameters.insert())
_NOTES = Prepared(notes.select().where(notes.c.run_id == _run).order_by(notes.c.code))
_IS_UNFINISHED = runs.c.ended_at.is_(None)
_IS_OPEN = attempts.c.state != sa.literal_column(f"'{AttemptState.CLOSED.value}'")
_UNFINISHED = runs.select().where(_IS_UNFINISHED).order_by(runs.c.created_at, runs.c.id)
_OPEN_ATTEMPTS = Prepared(attempts.select().where(_IS_OPEN))
_ANY_OPEN = Prepared(
    sa.select(sa.exists(runs.select().where(_IS_UNFINISHED)) | sa.exists(attempts.select().where(_IS_OPEN)))
)
_ADD_ATTEMPT = Prepared(attempts.insert())
_RANKS = Prepared(
    attempts.select()
    .where(attempts.c.run_id == _run, attempts.c.attempt == sa.bindparam("which"))
    .order_by(attempts.c.rank)
)


_STANDING = Prepared(
    sa.select(
        attempts.c.rank,
        attempts.c.outcome,
        runs.c.attempt,
        runs.c.ended_at,
        runs.c.cancel_requested_at,
    )
    .join_from(attempts, runs, runs.c.id == attempts.c.run_id)
    .where(attempts.c.run_id == _run, attempts.c.attempt == sa.bindparam("which"))
)


@cache
def _update_of(
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
    row = read.execute(_GET, {"run": run_id}).first()
    return as_run(row) if row else None


def get_many(read: Read, run_ids: Sequence[str]) -> dict[str, Run]:
    """By id; without those that cannot be read."""
    found: dict[str, Run] = {}
    for run_id in run_ids:
        with suppress(*UNREADABLE):
            if run := get(read, run_id):
                found[run_id] = run
    return found


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


@needs.servers.add
def is_any_open(read: Read) -> bool:
    """Whether a run is unfinished, or an attempt not closed."""
    return bool(read.execute(_ANY_OPEN).scalar())


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
    statement = _update_of(runs, ("id",), tuple(changes), counted=True)
    write.execute(statement, {"key_id": run_id, **{f"new_{name}": value for name, value in changes.items()}})


def update_many(write: Write, changes: Mapping[str, dict[str, Any]]) -> None:
    """By run; the same columns of each."""
    if changes:
        columns = tuple(next(iter(changes.values())))
        rows = [
            {"key_id": run_id, **{f"new_{name}": changed[name] for name in columns}}
            for run_id, changed in changes.items()
        ]
        write.execute(_update_of(runs, ("id",), columns, counted=True), rows)


def begin_phase(write: Write, run_id: str, name: str, attempt: int, now: Micros) -> None:
    """End the phase that lasts and begin the next."""
    end_phase(write, run_id, now)
    write.execute(_BEGIN_PHASE, {"run": run_id, "phase": name, "which": attempt, "now": now})


def begin_phases(write: Write, begun: Sequence[tuple[str, int]], name: str, now: Micros) -> None:
    """End the phases that last, and begin the next ones: `(run id, attempt)` each."""
    if begun:
        write.execute(_END_PHASE, [{"run": run_id, "now": now} for run_id, _ in begun])
        rows = [{"run": run_id, "phase": name, "which": attempt, "now": now} for run_id, attempt in begun]
        write.execute(_BEGIN_PHASE, rows)


def add_phases(write: Write, run: Run, names: Sequence[str]) -> None:
    """Of a new run; all but the last have ended."""
    rows = [
        {
            "run_id": run.id,
            "position": position,
            "name": name,
            "attempt": run.attempt,
            "started_at": run.created_at,
            "ended_at": None if position == len(names) - 1 else run.created_at,
        }
        for position, name in enumerate(names)
    ]
    write.execute(_ADD_PHASES, rows)


def end_phase(write: Write, run_id: str, now: Micros) -> None:
    write.execute(_END_PHASE, {"run": run_id, "now": now})


def list_phases(read: Read, run_id: str) -> list[Any]:
    return read.execute(_PHASES, {"run": run_id}).all()


def set_tags(write: Write, run_id: str, values: Mapping[str, str]) -> None:
    rows = [{"run_id": run_id, "key": key, "value": value} for key, value in values.items()]
    upsert(write, tags, rows, update=["value"])


def tag_keys(read: Read, run_id: str) -> set[str]:
    return set(read.execute(_TAG_KEYS, {"run": run_id}).scalars())


def remove_tags(write: Write, run_id: str, keys: Iterable[str]) -> None:
    write.execute(tags.delete().where((tags.c.run_id == run_id) & tags.c.key.in_(list(keys))))


def tags_of(read: Read, run_id: str) -> dict[str, str]:
    return {row.key: row.value for row in read.execute(_TAGS, {"run": run_id})}


def list_tags(read: Read, run_ids: list[str]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {run_id: {} for run_id in run_ids}
    for row in read.execute(tags.select().where(tags.c.run_id.in_(run_ids)).order_by(tags.c.key)):
        found[row.run_id][row.key] = row.value
    return found


def add_properties(write: Write, run_id: str, values: Mapping[str, str]) -> None:
    """Properties never change: one that is there already stays as it is."""
    rows = [{"run_id": run_id, "key": key, "value": value} for key, value in values.items()]
    upsert(write, properties, rows)


def add_parameters(write: Write, run_id: str, values: Mapping[str, str]) -> None:
    rows = [
        {"run_id": run_id, "name": name, "value": value, "number": number(value)}
        for name, value in values.items()
    ]
    write.execute(_ADD_PARAMETERS, rows)


def list_parameters(read: Read, run_ids: list[str]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {run_id: {} for run_id in run_ids}
    asked = parameters.select().where(parameters.c.run_id.in_(run_ids)).order_by(parameters.c.name)
    for row in read.execute(asked):
        found[row.run_id][row.name] = row.value
    return found


def list_properties(read: Read, run_id: str) -> dict[str, str]:
    return {row.key: row.value for row in read.execute(_PROPERTIES, {"run": run_id})}


def add_note(write: Write, run_id: str, code: str, message: str, *, about: str = "") -> None:
    """The first note of a code stays; with `about` it is one of several messages, and replaces that which began so."""
    key = {"run_id": run_id, "code": code}
    if not about:
        upsert(write, notes, {**key, "message": message})
        return
    there = dict(list_notes(write, run_id)).get(code, "")
    others = [line for line in there.splitlines() if line and not line.startswith(about)]
    lines = "\n".join([*others, message])[:_LONGEST_NOTE]
    upsert(write, notes, {**key, "message": lines}, update=["message"])


def forget_notes(write: Write, code: str) -> None:
    """Of all runs."""
    write.execute(notes.delete().where(notes.c.code == code))


def list_notes(read: Read, run_id: str) -> list[tuple[str, str]]:
    return [(row.code, row.message) for row in read.execute(_NOTES, {"run": run_id})]


def _attempt(row: Any) -> Attempt:
    """One whose row cannot be read has ended as lost: it concerns that attempt alone."""
    try:
        outcome = msgspec.json.decode(row.outcome, type=Outcome) if row.outcome else None
        return Attempt(row.run_id, row.attempt, row.rank, row.node, AttemptState(row.state), outcome)
    except UNREADABLE as error:
        lost = Outcome(
            EndReason.NODE_LOST, f"How the attempt ended cannot be read in the database: {str(error)[:300]}."
        )
        return Attempt(row.run_id, row.attempt, row.rank, row.node, AttemptState.ENDED, lost)


def add_attempt(
    write: Write, run_id: str, attempt: int, rank: int, node: str, state: AttemptState = AttemptState.GIVEN
) -> None:
    values = {"run_id": run_id, "attempt": attempt, "rank": rank, "node": node, "state": state.value}
    write.execute(_ADD_ATTEMPT, values)


def add_attempts(write: Write, given: Sequence[tuple[str, int, int, str]]) -> None:
    """Run, attempt, rank and node each."""
    if given:
        names, state = ("run_id", "attempt", "rank", "node"), AttemptState.GIVEN.value
        write.execute(_ADD_ATTEMPT, [dict(zip(names, each, strict=True), state=state) for each in given])


def ranks(read: Read, run_id: str, attempt: int) -> list[Attempt]:
    return [_attempt(row) for row in read.execute(_RANKS, {"run": run_id, "which": attempt})]


class Standing(Struct, frozen=True):
    """What decides whether the scripts of an attempt go on: asked with each batch that comes of one."""

    ranks: tuple[int, ...]
    """Empty: there is no such attempt."""
    is_over: bool
    """Canceled, ended, or there is a later attempt."""
    reasons: tuple[EndReason, ...]
    """Of the ranks that have ended."""


def standing(read: Read, run_id: str, attempt: int) -> Standing:
    rows = read.execute(_STANDING, {"run": run_id, "which": attempt}).all()
    reasons = [_reason(row.outcome) for row in rows if row.outcome]
    over = any(row.ended_at or row.cancel_requested_at or row.attempt != attempt for row in rows)
    return Standing(tuple(row.rank for row in rows), over, tuple(reasons))


def _reason(outcome: bytes) -> EndReason:
    try:
        return msgspec.json.decode(outcome, type=Outcome).reason
    except UNREADABLE:
        return EndReason.NODE_LOST


def open_attempts(read: Read) -> list[Attempt]:
    """All that are not closed."""
    return [_attempt(row) for row in read.execute(_OPEN_ATTEMPTS)]


def open_attempts_of(read: Read, node: str) -> list[Attempt]:
    """Those that are not closed of one node or process, oldest run first."""
    statement = (
        attempts.select()
        .join(runs, runs.c.id == attempts.c.run_id)
        .where(attempts.c.state != AttemptState.CLOSED.value, attempts.c.node == node)
        .order_by(runs.c.created_at, runs.c.id)
    )
    return [_attempt(row) for row in read.execute(statement)]


def move_attempt(
    write: Write, attempt: Attempt, state: AttemptState, outcome: Outcome | None = None
) -> Attempt:
    """As it is then; without `outcome` that stays."""
    values: dict[str, Any] = {"state": state.value}
    if outcome is not None:
        values["outcome"] = msgspec.json.encode(outcome)
    key = {"run_id": attempt.run_id, "attempt": attempt.attempt, "rank": attempt.rank}
    parameters = {f"key_{name}": value for name, value in key.items()}
    parameters |= {f"new_{name}": value for name, value in values.items()}
    write.execute(_update_of(attempts, tuple(key), tuple(values)), parameters)
    return replace(attempt, state=state, outcome=attempt.outcome if outcome is None else outcome)
