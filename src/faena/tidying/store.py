"""SQL of deletions and retention rules."""

from __future__ import annotations

import sqlalchemy as sa

from faena.db import metadata

deletions = sa.Table(
    "deletions",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("user", sa.String(255), nullable=False),
    sa.Column("what", sa.Text, nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
)
"""`what`: for people. `size`: bytes that collecting it frees, as far as was known then."""

rules = sa.Table(
    "retention_rules",
    metadata,
    sa.Column("name", sa.String(255), primary_key=True),
    sa.Column("definition", sa.LargeBinary, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
)
