"""Experiments have tags; spools remember their writer's clock and how much of them could not be read."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations


def upgrade(op: Operations) -> None:
    op.add_column("runs", sa.Column("threads", sa.Text))
    op.add_column("nodes", sa.Column("threads", sa.Integer, nullable=False, server_default="0"))
    # 0: as many as what runs at once leaves. Nobody chose what this one has: Faena made it
    op.execute("UPDATE clusters SET cores_per_node = 0 WHERE name = 'local'")
    op.add_column("experiments", sa.Column("tags", sa.LargeBinary))
    op.add_column("tracking_streams", sa.Column("latest", sa.BigInteger))
    for name in ("behind", "bad_bytes"):
        op.add_column("tracking_streams", sa.Column(name, sa.BigInteger, nullable=False, server_default="0"))
