"""SQL of runs, their phases, tags, notes and attempts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from faena.db import Read, Write, metadata
from faena.kernel.clock import Micros
from faena.runs.model import Attempt, AttemptState, EndReason, Outcome, Run, RunStatus

runs = sa.Table(
    "runs",
    metadata,
    sa.Column("id", sa.String(300), primary_key=True),
    sa.Column("experiment", sa.ForeignKey("experiments.name"), nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("user", sa.String(255), nullable=False),
    sa.Column("cluster", sa.String(64), nullable=False),
    sa.Column("node_count", sa.Integer, nullable=False),
    sa.Column("snapshot", sa.String(64), nullable=False),
    sa.Column("submission", sa.LargeBinary, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("queued_at", sa.BigInteger),
    sa.Column("started_at", sa.BigInteger),
    sa.Column("ended_at", sa.BigInteger),
    sa.Column("cancel_requested_at", sa.BigInteger),
    sa.Column("reserved", sa.Boolean, nullable=False),
    sa.Column("blocker", sa.Text),
    sa.Column("reason", sa.String(16)),
    sa.Column("message", sa.Text),
    sa.Column("last_lines", sa.LargeBinary),
    sa.Column("exit_code", sa.Integer),
    sa.Column("signal", sa.Integer),
    sa.Column("lock", sa.String(64)),
    sa.Column("python", sa.Text),
    sa.Column("parent", sa.ForeignKey("runs.id"), index=True),
    sa.Column("type", sa.String(32), nullable=False),
    sa.Column("name", sa.String(255)),
    sa.Index("runs_by_experiment", "experiment", "created_at", "id"),
    sa.Index("runs_by_time", "created_at", "id"),
    sa.Index("unfinished_runs", "status", sqlite_where=sa.column("ended_at").is_(None)),
)

phases = sa.Table(
    "run_phases",
    metadata,
    sa.Column("run_id", sa.ForeignKey("runs.id"), primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True),
    sa.Column("name", sa.String(16), nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("started_at", sa.BigInteger, nullable=False),
    sa.Column("ended_at", sa.BigInteger),
)

HEAD = 100
"""Characters of a tag's or property's value that are indexed: a database takes no index of values of any length."""


def head(value: sa.ColumnElement[str]) -> sa.ColumnElement[str]:
    """The part of a value that is indexed; the number is spelled out, as in the index, so that it is used."""
    return sa.func.substr(value, sa.literal_column("1"), sa.literal_column(str(HEAD)))


tags = sa.Table(
    "run_tags",
    metadata,
    sa.Column("run_id", sa.ForeignKey("runs.id"), primary_key=True),
    sa.Column("key", sa.String(255), primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)

properties = sa.Table(
    "run_properties",
    metadata,
    sa.Column("run_id", sa.ForeignKey("runs.id"), primary_key=True),
    sa.Column("key", sa.String(255), primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)

sa.Index("run_tags_by_value", tags.c.key, head(tags.c.value))
sa.Index("run_properties_by_value", properties.c.key, head(properties.c.value))

notes = sa.Table(
    "run_notes",
    metadata,
    sa.Column("run_id", sa.ForeignKey("runs.id"), primary_key=True),
    sa.Column("code", sa.String(64), primary_key=True),
    sa.Column("message", sa.Text, nullable=False),
)

attempts = sa.Table(
    "attempts",
    metadata,
    sa.Column("run_id", sa.ForeignKey("runs.id"), primary_key=True),
    sa.Column("attempt", sa.Integer, primary_key=True),
    sa.Column("rank", sa.Integer, primary_key=True),
    sa.Column("node", sa.String(64), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("outcome", sa.LargeBinary),
    sa.Index("open_attempts", "state", sqlite_where=sa.column("state") != AttemptState.CLOSED.value),
)


def as_run(row: Any) -> Run:
    """A row of `runs`."""
    values = dict(row._mapping)
    values["status"] = RunStatus(row.status)
    values["reason"] = EndReason(row.reason) if row.reason else None
    return Run(**values)


def add(write: Write, run: Run) -> None:
    values = {column: getattr(run, column) for column in runs.columns.keys()}  # noqa: SIM118  iterating gives columns
    write.execute(runs.insert().values(**{**values, "status": run.status.value, "reason": None}))


def get(read: Read, run_id: str) -> Run | None:
    row = read.execute(runs.select().where(runs.c.id == run_id)).first()
    return as_run(row) if row else None


def unfinished(read: Read) -> list[Run]:
    """Oldest first."""
    statement = runs.select().where(runs.c.ended_at.is_(None)).order_by(runs.c.created_at, runs.c.id)
    return [as_run(row) for row in read.execute(statement)]


def needed_environments(read: Read) -> frozenset[str]:
    """Digests of the locks that runs which have not ended have."""
    statement = sa.select(runs.c.lock).where(runs.c.ended_at.is_(None), runs.c.lock.is_not(None))
    return frozenset(read.execute(statement).scalars())


def update(write: Write, run_id: str, changes: dict[str, Any]) -> None:
    """Change columns and grow the version."""
    values = {**changes, "version": runs.c.version + 1}
    write.execute(runs.update().where(runs.c.id == run_id).values(**values))


def begin_phase(write: Write, run_id: str, name: str, attempt: int, now: Micros) -> None:
    """End the phase that lasts and begin the next."""
    end_phase(write, run_id, now)
    position = sa.select(sa.func.count()).select_from(phases).where(phases.c.run_id == run_id)
    write.execute(
        phases.insert().values(
            run_id=run_id, position=position.scalar_subquery(), name=name, attempt=attempt, started_at=now
        )
    )


def end_phase(write: Write, run_id: str, now: Micros) -> None:
    lasting = (phases.c.run_id == run_id) & phases.c.ended_at.is_(None)
    # a clock that was set back must not give a phase a negative length
    end = sa.case((phases.c.started_at > now, phases.c.started_at), else_=now)
    write.execute(phases.update().where(lasting).values(ended_at=end))


def list_phases(read: Read, run_id: str) -> list[Any]:
    return list(read.execute(phases.select().where(phases.c.run_id == run_id).order_by(phases.c.position)))


def set_tag(write: Write, run_id: str, key: str, value: str) -> None:
    statement = insert(tags).values(run_id=run_id, key=key, value=value)
    write.execute(
        statement.on_conflict_do_update(
            index_elements=["run_id", "key"], set_={"value": statement.excluded.value}
        )
    )


def list_tags(read: Read, run_ids: list[str]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {run_id: {} for run_id in run_ids}
    for row in read.execute(tags.select().where(tags.c.run_id.in_(run_ids)).order_by(tags.c.key)):
        found[row.run_id][row.key] = row.value
    return found


def add_properties(write: Write, run_id: str, values: Mapping[str, str]) -> None:
    """Properties never change: one that is there already stays as it is."""
    for key, value in values.items():
        write.execute(insert(properties).values(run_id=run_id, key=key, value=value).on_conflict_do_nothing())


def list_properties(read: Read, run_id: str) -> dict[str, str]:
    rows = read.execute(properties.select().where(properties.c.run_id == run_id).order_by(properties.c.key))
    return {row.key: row.value for row in rows}


def add_note(write: Write, run_id: str, code: str, message: str) -> None:
    """The first note of a code stays."""
    write.execute(insert(notes).values(run_id=run_id, code=code, message=message).on_conflict_do_nothing())


def list_notes(read: Read, run_id: str) -> list[tuple[str, str]]:
    rows = read.execute(notes.select().where(notes.c.run_id == run_id).order_by(notes.c.code))
    return [(row.code, row.message) for row in rows]


def _attempt(row: Any) -> Attempt:
    outcome = msgspec.json.decode(row.outcome, type=Outcome) if row.outcome else None
    return Attempt(row.run_id, row.attempt, row.rank, row.node, AttemptState(row.state), outcome)


def add_attempt(write: Write, run_id: str, attempt: int, rank: int, node: str) -> None:
    write.execute(
        attempts.insert().values(
            run_id=run_id, attempt=attempt, rank=rank, node=node, state=AttemptState.GIVEN.value
        )
    )


def ranks(read: Read, run_id: str, attempt: int) -> list[Attempt]:
    where = (attempts.c.run_id == run_id) & (attempts.c.attempt == attempt)
    return [_attempt(row) for row in read.execute(attempts.select().where(where).order_by(attempts.c.rank))]


def open_attempts(read: Read) -> list[Attempt]:
    """All that are not closed."""
    statement = attempts.select().where(attempts.c.state != AttemptState.CLOSED.value)
    return [_attempt(row) for row in read.execute(statement)]


def open_attempts_of(read: Read, node: str) -> list[Attempt]:
    """Those that are not closed of one node or process, oldest run first."""
    statement = (
        attempts.select()
        .join(runs, runs.c.id == attempts.c.run_id)
        .where(attempts.c.state != AttemptState.CLOSED.value, attempts.c.node == node)
        .order_by(runs.c.created_at, runs.c.id)
    )
    return [_attempt(row) for row in read.execute(statement)]


def move_attempt(write: Write, attempt: Attempt, state: AttemptState, outcome: Outcome | None = None) -> None:
    values: dict[str, Any] = {"state": state.value}
    if outcome is not None:
        values["outcome"] = msgspec.json.encode(outcome)
    where = (
        (attempts.c.run_id == attempt.run_id)
        & (attempts.c.attempt == attempt.attempt)
        & (attempts.c.rank == attempt.rank)
    )
    write.execute(attempts.update().where(where).values(**values))
