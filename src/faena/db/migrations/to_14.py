"""Runs have comments; people are told of ends of runs; browsers sign in; experiments may be somebody's."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations


def upgrade(op: Operations) -> None:
    _add_comments(op)
    _add_sessions(op)
    _add_notices(op)
    _add_sharing(op)


def _add_comments(op: Operations) -> None:
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


def _add_sessions(op: Operations) -> None:
    op.create_table(
        "person_sessions",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("person", sa.String(64), nullable=False),
        sa.Column("token", sa.String(16)),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("until", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_person_sessions_person", "person_sessions", ["person"])


def _add_notices(op: Operations) -> None:
    op.create_table(
        "notice_rules",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("owner", sa.String(64), nullable=False),
        sa.Column("way", sa.String(16), nullable=False),
        sa.Column("shown", sa.Text, nullable=False),
        sa.Column("experiment", sa.String(255)),
        sa.Column("ends", sa.String(64), nullable=False),
        sa.Column("below", sa.Integer, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "notices",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("rule_id", sa.String(32), sa.ForeignKey("notice_rules.id"), nullable=False),
        sa.Column("run_id", sa.String(300), sa.ForeignKey("runs.id"), nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("due_at", sa.BigInteger),
        sa.Column("sent_at", sa.BigInteger),
        sa.Column("failure", sa.Text),
        sa.Column("created_at", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_notices_rule_id", "notices", ["rule_id"])
    op.create_index("ix_notices_run_id", "notices", ["run_id"])
    op.create_index("ix_notices_due_at", "notices", ["due_at"])


def _add_sharing(op: Operations) -> None:
    op.add_column("experiments", sa.Column("owner", sa.String(64)))
    op.add_column("experiments", sa.Column("private_at", sa.BigInteger))
    private = sa.text("private_at IS NOT NULL")
    op.create_index(
        "private_experiments", "experiments", ["id"], sqlite_where=private, postgresql_where=private
    )
    op.create_table(
        "experiment_people",
        sa.Column("experiment_id", sa.Integer, primary_key=True),
        sa.Column("person", sa.String(64), primary_key=True),
        sa.Column("role", sa.String(16), nullable=False),
    )
