"""Experiments have tags."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations


def upgrade(op: Operations) -> None:
    op.add_column("experiments", sa.Column("tags", sa.LargeBinary))
