"""Persons and experiments have quotas, what they use of nodes is kept, and persons take turns."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations

_QUEUED = sa.text("status = 'Queued'")
_UNFINISHED = sa.text("ended_at IS NULL")


def upgrade(op: Operations) -> None:
    _add_quotas(op)
    _queue_by_person(op)


def _add_quotas(op: Operations) -> None:
    op.create_table(
        "quotas",
        sa.Column("kind", sa.String(16), primary_key=True),
        sa.Column("name", sa.String(255), primary_key=True),
        sa.Column("nodes", sa.Integer),
        sa.Column("node_hours", sa.Float),
        sa.Column("bytes", sa.BigInteger),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "node_use",
        sa.Column("month", sa.Integer, primary_key=True),
        sa.Column("user", sa.String(255), primary_key=True),
        sa.Column("experiment", sa.String(255), primary_key=True),
        sa.Column("used", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "queue_turns",
        sa.Column("user", sa.String(255), primary_key=True),
        sa.Column("served", sa.BigInteger, nullable=False),
    )


def _queue_by_person(op: Operations) -> None:
    op.drop_index("queued_runs", "runs")
    op.create_index("runs_by_user", "runs", ["user", "id"])
    columns = ["cluster", "gpu", "user", "experiment", "queued_at", "id", "node_count", "status"]
    op.create_index("queued_runs", "runs", columns, sqlite_where=_QUEUED, postgresql_where=_QUEUED)
    op.drop_index("unfinished_runs", "runs")
    columns = ["status", "type", "user", "experiment", "node_count", "ended_at"]
    op.create_index(
        "unfinished_runs", "runs", columns, sqlite_where=_UNFINISHED, postgresql_where=_UNFINISHED
    )
