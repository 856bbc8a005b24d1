"""Machines join clusters, and their nodes hold a lease instead of a lock."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations


def upgrade(op: Operations) -> None:
    op.add_column("clusters", sa.Column("kind", sa.String(16), nullable=False, server_default="local"))
    op.add_column("clusters", sa.Column("settings", sa.Text, nullable=False, server_default=""))
    op.add_column("clusters", sa.Column("waits", sa.Text, nullable=False, server_default=""))
    op.create_table(
        "machines",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("cluster", sa.String(64), sa.ForeignKey("clusters.name"), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("token", sa.String(64), nullable=False),
        sa.Column("node", sa.String(64)),
        sa.Column("told", sa.LargeBinary, nullable=False),
        sa.Column("draining", sa.Integer, nullable=False, server_default="0"),
        sa.Column("joined_at", sa.BigInteger, nullable=False),
        sa.Column("heard_at", sa.BigInteger, nullable=False),
    )
    op.create_index("machines_by_name", "machines", ["cluster", "name"], unique=True)
    op.create_index("machines_by_token", "machines", ["token"], unique=True)
    op.create_table(
        "join_tokens",
        sa.Column("token", sa.String(64), primary_key=True),
        sa.Column("cluster", sa.String(64), sa.ForeignKey("clusters.name"), nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
    )
    op.add_column("nodes", sa.Column("machine", sa.String(64)))
    op.add_column("nodes", sa.Column("draining", sa.Integer, nullable=False, server_default="0"))
    op.add_column("nodes", sa.Column("cores", sa.Integer, nullable=False, server_default="0"))
    op.add_column("nodes", sa.Column("own_gpus", sa.Text, nullable=False, server_default=""))
    op.add_column("nodes", sa.Column("address", sa.String(255), nullable=False, server_default=""))
    op.add_column("nodes", sa.Column("gang", sa.String(64), nullable=False, server_default=""))
    op.add_column("attempts", sa.Column("machine", sa.String(64)))
    op.add_column("attempts", sa.Column("told", sa.LargeBinary))
    op.add_column("runs", sa.Column("silent_since", sa.BigInteger))
