"""Traces have spans, what was said of them, runs that they were put to, the beginning of what was asked and answered.

There are evaluation sets. Bytes of small objects are in rows before they are in files.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations


def upgrade(op: Operations) -> None:
    op.add_column("traces", sa.Column("request", sa.Text))
    op.add_column("traces", sa.Column("response", sa.Text))
    op.add_column("traces", sa.Column("client_request_id", sa.String(255)))
    op.add_column("traces", sa.Column("is_whole", sa.Integer, nullable=False, server_default="1"))
    _add_spans(op)
    _add_assessments(op)
    op.create_table(
        "trace_runs",
        sa.Column("trace_id", sa.String(64), sa.ForeignKey("traces.id"), primary_key=True),
        sa.Column("run_id", sa.String(300), primary_key=True),
    )
    op.create_index("ix_trace_runs_run_id", "trace_runs", ["run_id"])
    _add_evaluation_sets(op)
    op.create_table(
        "fresh_objects",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("data", sa.LargeBinary, nullable=False),
    )
    _add_people(op)
    op.create_table("workspace_claims", sa.Column("id", sa.String(64), primary_key=True))


def _add_spans(op: Operations) -> None:
    op.create_table(
        "trace_spans",
        sa.Column("trace_id", sa.String(64), sa.ForeignKey("traces.id"), primary_key=True),
        sa.Column("id", sa.String(16), primary_key=True),
        sa.Column("parent_id", sa.String(16)),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("status", sa.String(8), nullable=False),
        sa.Column("began_ns", sa.BigInteger, nullable=False),
        sa.Column("ended_ns", sa.BigInteger),
        sa.Column("told", sa.Text, nullable=False),
    )


def _add_assessments(op: Operations) -> None:
    op.create_table(
        "trace_assessments",
        sa.Column("trace_id", sa.String(64), sa.ForeignKey("traces.id"), primary_key=True),
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("number", sa.Double),
        sa.Column("error", sa.Text),
        sa.Column("rationale", sa.Text),
        sa.Column("source_kind", sa.String(64), nullable=False),
        sa.Column("source_id", sa.Text, nullable=False),
        sa.Column("span_id", sa.String(64)),
        sa.Column("metadata", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
        sa.Column("overrides", sa.String(64)),
        sa.Column("is_valid", sa.Integer, nullable=False),
    )


def _add_evaluation_sets(op: Operations) -> None:
    op.create_table(
        "evaluation_sets",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
        sa.Column("created_by", sa.String(255)),
        sa.Column("changed_by", sa.String(255)),
        sa.Column("fields", sa.Text, nullable=False),
    )
    op.create_index("ix_evaluation_sets_created_at", "evaluation_sets", ["created_at"])
    op.create_table(
        "evaluation_set_tags",
        sa.Column("set_id", sa.String(64), sa.ForeignKey("evaluation_sets.id"), primary_key=True),
        sa.Column("key", sa.String(255), primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )
    op.create_table(
        "evaluation_set_experiments",
        sa.Column("set_id", sa.String(64), sa.ForeignKey("evaluation_sets.id"), primary_key=True),
        sa.Column("experiment_id", sa.Integer, primary_key=True),
    )
    op.create_index(
        "ix_evaluation_set_experiments_experiment_id", "evaluation_set_experiments", ["experiment_id"]
    )
    op.create_table(
        "evaluation_records",
        sa.Column("set_id", sa.String(64), sa.ForeignKey("evaluation_sets.id"), primary_key=True),
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
        sa.Column("created_by", sa.String(255)),
        sa.Column("changed_by", sa.String(255)),
        sa.Column("told", sa.Text, nullable=False),
    )
    op.create_index("evaluation_records_in_order", "evaluation_records", ["set_id", "created_at", "id"])


def _add_people(op: Operations) -> None:
    op.create_table(
        "people",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "person_tokens",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("id", sa.String(16), nullable=False, unique=True),
        sa.Column("person", sa.String(64), nullable=False),
        sa.Column("label", sa.String(120), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger),
        sa.Column("revoked_at", sa.BigInteger),
        sa.Column("used_at", sa.BigInteger),
    )
    op.create_index("ix_person_tokens_person", "person_tokens", ["person"])
    op.create_table(
        "audit_log",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("person", sa.String(64), nullable=False),
        sa.Column("token", sa.String(16), nullable=False),
        sa.Column("verb", sa.String(8), nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("status", sa.Integer, nullable=False),
        sa.Column("address", sa.String(64), nullable=False),
    )
    op.create_index("ix_audit_log_at", "audit_log", ["at"])
