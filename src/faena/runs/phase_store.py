"""SQL of the phases of runs: what they were at, and when."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from faena.db import BigInteger, Integer, Read, String, Write, metadata
from faena.db.prepared import Prepared
from faena.kernel.clock import Micros
from faena.runs.model import Run
from faena.runs.store import OF_RUN

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

# Statements of every run's way are built once: to build one costs as much as to execute it.
_run: sa.BindParameter[str] = sa.bindparam("run")
_now: sa.BindParameter[Micros] = sa.bindparam("now")
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
_LATEST = Prepared(
    sa.select(phases.c.started_at).where(phases.c.run_id == _run).order_by(phases.c.position.desc()).limit(1)
)
_PHASES = Prepared(phases.select().where(phases.c.run_id == _run).order_by(phases.c.position))


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


def latest_began(read: Read, run_id: str) -> Micros:
    """When the phase began that lasts, or was the last; 0 where there was none."""
    return read.execute(_LATEST, {"run": run_id}).scalar() or 0


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


def move_end(write: Write, run_id: str, ended_at: Micros) -> None:
    """Have the last phase end then; it has no negative length."""
    last = sa.select(sa.func.max(phases.c.position)).where(phases.c.run_id == run_id).scalar_subquery()
    kept = sa.case((phases.c.started_at > ended_at, phases.c.started_at), else_=ended_at)
    write.execute(
        phases.update().where(phases.c.run_id == run_id, phases.c.position == last).values(ended_at=kept)
    )


def list_phases(read: Read, run_id: str) -> list[Any]:
    return read.execute(_PHASES, {"run": run_id}).all()
