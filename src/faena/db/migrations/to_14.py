"""Runs have comments. Browsers sign in at a shared server."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations


def upgrade(op: Operations) -> None:
    op.create_table(
        "run_comments",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("run_id", sa.String(300), sa.ForeignKey("runs.id"), nullable=False),
        sa.Column("author", sa.String(255), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("changed_at", sa.BigInteger),
    )
    op.create_index("run_comments_in_order", "run_comments", ["run_id", "created_at", "id"])
    op.create_table(
        "person_sessions",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("person", sa.String(64), nullable=False),
        sa.Column("token", sa.String(16)),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("until", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_person_sessions_person", "person_sessions", ["person"])
