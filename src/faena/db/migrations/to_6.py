"""Sweeps and their trials."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations

_UNENDED = sa.text("state != 'ended'")


def upgrade(op: Operations) -> None:
    _sweeps(op)
    _trials(op)
    _standing(op)


def _sweeps(op: Operations) -> None:
    op.create_table(
        "sweeps",
        sa.Column("run_id", sa.String(300), sa.ForeignKey("runs.id"), primary_key=True),
        sa.Column("spec", sa.LargeBinary, nullable=False),
        sa.Column("submission", sa.LargeBinary, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("issued", sa.Integer, nullable=False),
        sa.Column("exhausted", sa.Boolean, nullable=False),
        sa.Column("deadline", sa.BigInteger, nullable=False),
        sa.Column("lock", sa.String(64)),
        sa.Column("python", sa.Text),
        sa.Column("streak_best", sa.Double),
        sa.Column("streak", sa.Integer, nullable=False),
        sa.Column("changes", sa.BigInteger, nullable=False),
        sa.Column("told", sa.Text, nullable=False),
        sa.Column("reason", sa.String(16), nullable=False),
    )
    op.create_index("open_sweeps", "sweeps", ["run_id"], sqlite_where=_UNENDED, postgresql_where=_UNENDED)


def _trials(op: Operations) -> None:
    op.create_table(
        "sweep_trials",
        sa.Column("sweep", sa.String(300), sa.ForeignKey("runs.id"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("run_id", sa.String(300)),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("source", sa.String(16), nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("repeat", sa.Integer, nullable=False),
        sa.Column("parameters", sa.LargeBinary, nullable=False),
        sa.Column("coordinates", sa.LargeBinary, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("attributes", sa.LargeBinary),
        sa.Column("changed", sa.BigInteger, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("intervals", sa.Integer, nullable=False),
        sa.Column("finite", sa.Integer, nullable=False),
        sa.Column("best", sa.Double),
        sa.Column("mean", sa.Double),
        sa.Column("status", sa.String(16)),
        sa.Column("value", sa.Double),
        sa.Column("metrics", sa.LargeBinary, nullable=False),
        sa.Column("allowed", sa.Boolean, nullable=False),
        sa.Column("decision", sa.LargeBinary),
        sa.Column("request", sa.String(64)),
    )
    op.create_index("ix_sweep_trials_run_id", "sweep_trials", ["run_id"])
    op.create_index("sweep_trials_by_digest", "sweep_trials", ["sweep", "digest"])
    op.create_index("sweep_trials_by_change", "sweep_trials", ["sweep", "changed"])
    op.create_index("sweep_trials_by_value", "sweep_trials", ["sweep", "value", "number"])
    op.create_index("sweep_trials_by_status", "sweep_trials", ["sweep", "status"])
    op.create_index(
        "unended_trials",
        "sweep_trials",
        ["sweep", "state", "number"],
        sqlite_where=_UNENDED,
        postgresql_where=_UNENDED,
    )


def _standing(op: Operations) -> None:
    op.create_table(
        "sweep_records",
        sa.Column("sweep", sa.String(300), sa.ForeignKey("runs.id"), primary_key=True),
        sa.Column("interval", sa.Integer, primary_key=True),
        sa.Column("best", sa.Double, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
    )
    op.create_table(
        "sweep_ranks",
        sa.Column("sweep", sa.String(300), sa.ForeignKey("runs.id"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("interval", sa.Integer, primary_key=True),
        sa.Column("bracket", sa.Integer, nullable=False),
        sa.Column("key", sa.Double, nullable=False),
    )
    op.create_index("sweep_ranks_by_key", "sweep_ranks", ["sweep", "interval", "bracket", "key", "number"])
