"""SQL of sweeps: what each searches, and how far it is."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import msgspec
import sqlalchemy as sa
from msgspec.structs import replace

from faena.db import BigInteger, Integer, Read, String, Text, Write, metadata, partial_index
from faena.db.prepared import Prepared
from faena.kernel.clock import Micros
from faena.runs import other_runs
from faena.runs.store import OF_RUN, UNREADABLE, those_there
from faena.sweeps.endings import Streak
from faena.sweeps.model import Sweep, SweepState, decoded, submission_of
from faena.workspaces import needs

_run: sa.BindParameter[str] = sa.bindparam("run")

sweeps = sa.Table(
    "sweeps",
    metadata,
    sa.Column("run_id", sa.ForeignKey("runs.id"), primary_key=True, info=OF_RUN),
    sa.Column("spec", sa.LargeBinary, nullable=False),
    sa.Column("submission", sa.LargeBinary, nullable=False),
    sa.Column("state", String(16), nullable=False),
    sa.Column("revision", Integer, nullable=False),
    sa.Column("position", BigInteger, nullable=False),
    sa.Column("issued", Integer, nullable=False),
    sa.Column("exhausted", sa.Boolean, nullable=False),
    sa.Column("deadline", BigInteger, nullable=False),
    sa.Column("lock", String(64)),
    sa.Column("python", Text),
    sa.Column("streak_best", sa.Double),
    sa.Column("streak", Integer, nullable=False),
    sa.Column("changes", BigInteger, nullable=False),
    sa.Column("told", Text, nullable=False),
    sa.Column("reason", String(16), nullable=False),
    partial_index("open_sweeps", "run_id", where=sa.literal_column("state != 'ended'")),
)


_GET = Prepared(sweeps.select().where(sweeps.c.run_id == _run))
_UNENDED = Prepared(sweeps.select().where(sa.literal_column("state != 'ended'")))


def add(write: Write, sweep: Sweep) -> None:
    write.execute(
        sweeps.insert(),
        {
            "run_id": sweep.run_id,
            "spec": msgspec.json.encode(sweep.spec),
            "submission": msgspec.json.encode(sweep.submission),
            "state": sweep.state.value,
            "streak_best": sweep.streak.best,
            "streak": sweep.streak.length,
            **{
                name: getattr(sweep, name)
                for name in (
                    "revision",
                    "position",
                    "issued",
                    "exhausted",
                    "deadline",
                    "lock",
                    "python",
                    "told",
                    "reason",
                    "changes",
                )
            },
        },
    )


def get(read: Read, run_id: str) -> Sweep | None:
    """Raises one of UNREADABLE for a row that holds what no sweep can have."""
    rows = read.execute(_GET, {"run": run_id}).rows
    return _without_hidden(read, _as_sweep(rows[0])) if rows else None


def _without_hidden(read: Read, sweep: Sweep) -> Sweep:
    """Without ids of runs that are not there for who reads, as runs are."""
    if isinstance(read, Write) or not read.view.hidden:
        return sweep
    spec, of = sweep.spec, sweep.submission
    named = {*spec.resume_from, *spec.resume_child_runs, *other_runs.named(msgspec.json.encode(of))}
    there = those_there(read, named)
    spec = replace(
        spec,
        resume_from=tuple(each for each in spec.resume_from if each in there),
        resume_child_runs=tuple(each for each in spec.resume_child_runs if each in there),
    )
    return replace(sweep, spec=spec, submission=other_runs.without_in(of, named - there))


def unended(read: Read) -> list[Sweep]:
    """Without those whose rows cannot be read."""
    found = []
    for row in read.execute(_UNENDED, {}):
        with suppress(*UNREADABLE):
            found.append(_as_sweep(row))
    return found


def _as_sweep(row: Any) -> Sweep:
    spec, space = decoded(row.spec)
    return Sweep(
        run_id=row.run_id,
        spec=spec,
        space=space,
        submission=submission_of(row.submission),
        state=SweepState(row.state),
        revision=row.revision,
        position=row.position,
        issued=row.issued,
        exhausted=bool(row.exhausted),
        deadline=row.deadline,
        lock=row.lock,
        python=row.python,
        streak=Streak(row.streak_best, row.streak),
        changes=row.changes,
        told=row.told,
        reason=row.reason,
    )


def update(write: Write, run_id: str, **changes: Any) -> None:
    if "spec" in changes:
        changes["spec"] = msgspec.json.encode(changes["spec"])
    write.execute(sweeps.update().where(sweeps.c.run_id == run_id).values(**changes))


def nearest_deadline(read: Read) -> Micros | None:
    query = sa.select(sa.func.min(sweeps.c.deadline)).where(sweeps.c.state != SweepState.ENDED.value)
    found: Micros | None = read.execute(query).scalar()
    return found


@needs.environments.add
def needed_environments(read: Read) -> frozenset[str]:
    """Digests of the locks that the next trials of sweeps that go on will have."""
    query = sa.select(sweeps.c.lock).where(
        sweeps.c.state != SweepState.ENDED.value, sweeps.c.lock.is_not(None)
    )
    return frozenset(read.execute(query).scalars())
