"""Runs that wait are found by light columns: whether they want a GPU, and the build that they wait for."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic.operations import Operations


def upgrade(op: Operations) -> None:
    _queues(op)


def _queues(op: Operations) -> None:
    op.add_column("runs", sa.Column("gpu", sa.String(8), nullable=False, server_default="none"))
    op.add_column("runs", sa.Column("build", sa.String(128)))  # the engine finds out for those that have none
    op.drop_column("runs", "blocker")
    connection = op.get_bind()
    unfinished = sa.text("SELECT id, submission FROM runs WHERE ended_at IS NULL")
    for run_id, submission in connection.execute(unfinished).all():
        try:
            gpu = json.loads(submission)["gpu"]
        except (ValueError, LookupError, TypeError):  # the engine ends a run whose submission cannot be read
            continue
        if gpu in ("auto", "require"):
            connection.execute(
                sa.text("UPDATE runs SET gpu = :gpu WHERE id = :id"), {"gpu": gpu, "id": run_id}
            )
    op.execute("UPDATE runs SET queued_at = created_at WHERE status = 'Queued' AND queued_at IS NULL")
    for name, columns, where in (
        (
            "queued_runs",
            ["cluster", "gpu", "experiment", "queued_at", "id", "node_count", "status"],
            "status = 'Queued'",
        ),
        (
            "unprepared_runs",
            ["build", "created_at", "id", "cluster", "node_count", "status"],
            "status IN ('NotStarted', 'Preparing')",
        ),
        ("reserved_runs", ["cluster"], "reserved"),
    ):
        op.create_index(name, "runs", columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))
