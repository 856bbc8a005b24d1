"""Runs have descriptions and can be archived; runs, their files and logs, and models can be deleted and brought back.

Chunks of metrics know their first and last step; those written before have none, and are read when it is asked for.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations


def upgrade(op: Operations) -> None:
    op.create_table(
        "deletions",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("user", sa.String(255), nullable=False),
        sa.Column("what", sa.Text, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "retention_rules",
        sa.Column("name", sa.String(255), primary_key=True),
        sa.Column("definition", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
    )
    op.add_column("runs", sa.Column("description", sa.Text))
    op.add_column("runs", sa.Column("archived_at", sa.BigInteger))
    op.create_index("ix_runs_snapshot", "runs", ["snapshot"])
    op.add_column("experiments", sa.Column("archived_at", sa.BigInteger))
    for table in ("runs", "run_files", "tracking_streams", "model_versions"):
        op.add_column(table, sa.Column("deletion", sa.Integer))
        op.create_index(
            f"{table}_deleted", table, ["deletion"], sqlite_where=sa.column("deletion").is_not(None)
        )
    op.add_column("tracking_streams", sa.Column("kept", sa.BigInteger))
    for table in ("metric_chunks", "log_segments"):
        packed = sa.column("pack_id").is_not(None)
        op.create_index(f"{table}_packed", table, ["pack_id"], sqlite_where=packed)
    op.add_column("metric_chunks", sa.Column("first_step", sa.BigInteger))
    op.add_column("metric_chunks", sa.Column("last_step", sa.BigInteger))
