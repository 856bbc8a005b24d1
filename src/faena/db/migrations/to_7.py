"""Endpoints and their revisions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations


def upgrade(op: Operations) -> None:
    op.create_table(
        "endpoints",
        sa.Column("name", sa.String(32), primary_key=True),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("settings", sa.LargeBinary, nullable=False),
        sa.Column("latest", sa.Integer, nullable=False),
        sa.Column("traffic", sa.LargeBinary, nullable=False),
        sa.Column("wanted", sa.LargeBinary),
        sa.Column("shadow", sa.Integer),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("failure", sa.LargeBinary),
        sa.Column("port", sa.Integer),
        sa.Column("deleted_at", sa.BigInteger),
    )
    op.create_table(
        "endpoint_revisions",
        sa.Column("endpoint", sa.String(32), sa.ForeignKey("endpoints.name"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("request_id", sa.String(64), nullable=False, unique=True),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("spec", sa.LargeBinary, nullable=False),
        sa.Column("snapshot", sa.String(64), sa.ForeignKey("snapshots.digest"), nullable=False),
        sa.Column("stage", sa.String(16), nullable=False),
        sa.Column("failure", sa.LargeBinary),
        sa.Column("lock", sa.String(64)),
        sa.Column("python", sa.Text),
    )
    op.create_index("ix_endpoint_revisions_snapshot", "endpoint_revisions", ["snapshot"])
    op.create_table(
        "endpoint_models",
        sa.Column("endpoint", sa.String(32), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("name", sa.String(255), primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True),
        sa.ForeignKeyConstraint(
            ["endpoint", "number"], ["endpoint_revisions.endpoint", "endpoint_revisions.number"]
        ),
        sa.ForeignKeyConstraint(["name", "version"], ["model_versions.name", "model_versions.version"]),
    )
    op.create_index("endpoint_models_by_model", "endpoint_models", ["name", "version"])
