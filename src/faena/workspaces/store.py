"""SQL of experiments."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from faena.db import Read, Write, metadata
from faena.kernel.clock import Micros

experiments = sa.Table(
    "experiments",
    metadata,
    sa.Column("name", sa.String(255), primary_key=True),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("runs", sa.Integer, nullable=False, default=0),  # numbers given so far
    sa.Column("served", sa.BigInteger, nullable=False, default=0),  # when it last had its turn
    sa.Column("archived_at", sa.BigInteger),
)


def create_experiment(write: Write, name: str, now: Micros) -> None:
    """Idempotent."""
    write.execute(
        insert(experiments).values(name=name, created_at=now, runs=0, served=0).on_conflict_do_nothing()
    )


def next_run_number(write: Write, experiment: str) -> int:
    """1 for the first run of an experiment, and so on without holes."""
    statement = (
        experiments.update()
        .where(experiments.c.name == experiment)
        .values(runs=experiments.c.runs + 1)
        .returning(experiments.c.runs)
    )
    return int(write.execute(statement).scalar_one())


def served(read: Read) -> dict[str, int]:
    """When each experiment last had its turn (a growing number, 0: never)."""
    return {row.name: row.served for row in read.execute(sa.select(experiments.c.name, experiments.c.served))}


def mark_served(write: Write, experiment: str) -> None:
    latest = sa.select(sa.func.max(experiments.c.served)).scalar_subquery()
    write.execute(experiments.update().where(experiments.c.name == experiment).values(served=latest + 1))


def archive_experiment(write: Write, name: str, at: Micros | None) -> bool:
    """None: show it again. False: there is none of that name."""
    changed = experiments.update().where(experiments.c.name == name).values(archived_at=at)
    return bool(write.execute(changed).rowcount)


def list_experiments(read: Read) -> list[tuple[str, Micros, int, Micros | None]]:
    """(name, created at, number of runs, archived at), by name."""
    columns = experiments.c
    rows = read.execute(
        sa.select(columns.name, columns.created_at, columns.runs, columns.archived_at).order_by(columns.name)
    )
    return [(row.name, row.created_at, row.runs, row.archived_at) for row in rows]
