"""Experiments have tags; spools remember their writer's clock and how much of them could not be read."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations


def upgrade(op: Operations) -> None:
    op.add_column("nodes", sa.Column("threads", sa.Integer, nullable=False, server_default="0"))
    op.execute(
        "UPDATE clusters SET cores_per_node = 0 WHERE name = 'local'"
    )  # which nobody chose: Faena made it
    op.add_column("experiments", sa.Column("tags", sa.LargeBinary))
    op.add_column("tracking_streams", sa.Column("latest", sa.BigInteger))
    for name in ("behind", "bad_bytes"):
        op.add_column("tracking_streams", sa.Column(name, sa.BigInteger, nullable=False, server_default="0"))
