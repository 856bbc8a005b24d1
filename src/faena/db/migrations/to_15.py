"""Persons and experiments have quotas, what they use is kept, persons take turns, and sign in by an issuer."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations

_QUEUED = sa.text("status = 'Queued'")
_UNFINISHED = sa.text("ended_at IS NULL")


def upgrade(op: Operations) -> None:
    _add_quotas(op)
    _queue_by_person(op)
    _add_identities(op)


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


def _add_identities(op: Operations) -> None:
    op.add_column("people", sa.Column("identity", sa.String(64)))
    op.add_column("people", sa.Column("seen_at", sa.BigInteger))
    op.create_index("people_by_identity", "people", ["identity"], unique=True)
    op.execute(
        "UPDATE people SET seen_at = (SELECT max(used_at) FROM person_tokens WHERE person = people.name)"
    )
    op.create_table(
        "removed_people",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("identity", sa.String(64)),
        sa.Column("removed_at", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_removed_people_identity", "removed_people", ["identity"])
