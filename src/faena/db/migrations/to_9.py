"""Datasets that are read as tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations


def upgrade(op: Operations) -> None:
    op.add_column("datasets", sa.Column("tabular", sa.LargeBinary))
