"""What MLflow's clients know: numbers of experiments, logged models, used data sets, models by name, stages."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations

_DEFAULT = "Default"


def upgrade(op: Operations) -> None:
    _number_experiments(op)
    _add_logged_models(op)
    _add_uses(op)
    _name_models(op)
    _add_traces(op)


def _add_logged_models(op: Operations) -> None:
    op.create_table(
        "logged_models",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("experiment_id", sa.Integer, nullable=False),
        sa.Column("run_id", sa.String(300), sa.ForeignKey("runs.id")),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
        sa.Column("deleted_at", sa.BigInteger),
    )
    op.create_index("logged_models_by_experiment", "logged_models", ["experiment_id", "created_at"])
    op.create_index("ix_logged_models_run_id", "logged_models", ["run_id"])
    op.create_table(
        "logged_model_labels",
        sa.Column("model_id", sa.String(64), primary_key=True),
        sa.Column("kind", sa.String(8), primary_key=True),
        sa.Column("key", sa.String(255), primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("run_id", sa.String(300), sa.ForeignKey("runs.id")),
    )
    op.create_index("ix_logged_model_labels_run_id", "logged_model_labels", ["run_id"])
    op.create_table(
        "logged_model_files",
        sa.Column("model_id", sa.String(64), primary_key=True),
        sa.Column("path", sa.Text, primary_key=True),
        sa.Column("digest", sa.String(64), sa.ForeignKey("objects.digest"), nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("run_id", sa.String(300), sa.ForeignKey("runs.id")),
    )
    op.create_index("ix_logged_model_files_digest", "logged_model_files", ["digest"])
    op.create_index("ix_logged_model_files_run_id", "logged_model_files", ["run_id"])
    op.create_table(
        "logged_model_metrics",
        sa.Column("model_id", sa.String(64), primary_key=True),
        sa.Column("run_id", sa.String(300), sa.ForeignKey("runs.id"), primary_key=True),
        sa.Column("name", sa.String(255), primary_key=True),
        sa.Column("dataset", sa.Text, primary_key=True),
        sa.Column("dataset_digest", sa.String(64), primary_key=True),
        sa.Column("value", sa.Double),
        sa.Column("time", sa.BigInteger, nullable=False),
        sa.Column("step", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_logged_model_metrics_run_id", "logged_model_metrics", ["run_id"])


def _add_traces(op: Operations) -> None:
    op.create_table(
        "traces",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("experiment_id", sa.Integer, nullable=False),
        sa.Column("run_id", sa.String(300)),
        sa.Column("began_at", sa.BigInteger, nullable=False),
        sa.Column("ended_at", sa.BigInteger),
        sa.Column("status", sa.String(16), nullable=False),
    )
    op.create_index("traces_by_experiment", "traces", ["experiment_id", "began_at"])
    op.create_index("ix_traces_run_id", "traces", ["run_id"])
    op.create_table(
        "trace_labels",
        sa.Column("trace_id", sa.String(64), sa.ForeignKey("traces.id"), primary_key=True),
        sa.Column("kind", sa.String(8), primary_key=True),
        sa.Column("key", sa.String(255), primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )
    op.create_table(
        "trace_files",
        sa.Column("trace_id", sa.String(64), sa.ForeignKey("traces.id"), primary_key=True),
        sa.Column("path", sa.Text, primary_key=True),
        sa.Column("digest", sa.String(64), sa.ForeignKey("objects.digest"), nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_trace_files_digest", "trace_files", ["digest"])


def _add_uses(op: Operations) -> None:
    op.create_table(
        "run_datasets",
        sa.Column("run_id", sa.String(300), sa.ForeignKey("runs.id"), primary_key=True),
        sa.Column("name", sa.String(500), primary_key=True),
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("context", sa.Text, nullable=False),
        sa.Column("told", sa.LargeBinary, nullable=False),
    )
    op.create_index("run_datasets_by_name", "run_datasets", ["name", "digest"])
    op.create_table(
        "run_logged_models",
        sa.Column("run_id", sa.String(300), sa.ForeignKey("runs.id"), primary_key=True),
        sa.Column("model_id", sa.String(64), primary_key=True),
        sa.Column("role", sa.String(8), primary_key=True),
        sa.Column("step", sa.BigInteger, nullable=False),
    )


def _number_experiments(op: Operations) -> None:
    # SQLite changes a table by copying it
    with op.batch_alter_table("experiments") as table:
        table.add_column(sa.Column("id", sa.Integer, nullable=True))
        table.add_column(sa.Column("changed_at", sa.BigInteger))
    experiments = sa.table("experiments", sa.column("name"), sa.column("id"), sa.column("created_at"))
    connection = op.get_bind()
    ordered = sa.select(experiments.c.name).order_by(experiments.c.created_at, experiments.c.name)
    names = [name for name in connection.execute(ordered).scalars() if name != _DEFAULT]
    rows = [{"of": name, "number": number} for number, name in enumerate(names, 1)]
    change = experiments.update().where(experiments.c.name == sa.bindparam("of"))
    if rows:
        connection.execute(change.values(id=sa.bindparam("number")), rows)
    connection.execute(change.values(id=0), {"of": _DEFAULT})
    with op.batch_alter_table("experiments") as table:
        table.alter_column("id", existing_type=sa.Integer(), nullable=False)
        table.create_unique_constraint("uq_experiments_id", ["id"])


def _name_models(op: Operations) -> None:
    op.create_table(
        "registered_models",
        sa.Column("name", sa.String(255), primary_key=True),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("stays", sa.Integer, nullable=False),
        sa.Column("deletion", sa.Integer),
    )
    op.create_index(
        "registered_models_deleted",
        "registered_models",
        ["deletion"],
        sqlite_where=sa.text("deletion IS NOT NULL"),
        postgresql_where=sa.text("deletion IS NOT NULL"),
    )
    op.create_table(
        "registered_model_tags",
        sa.Column("name", sa.String(255), sa.ForeignKey("registered_models.name"), primary_key=True),
        sa.Column("key", sa.String(255), primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )
    op.add_column("model_versions", sa.Column("stage", sa.String(16), nullable=False, server_default=""))
    op.add_column("model_versions", sa.Column("source", sa.Text, nullable=False, server_default=""))
    op.add_column("model_versions", sa.Column("location", sa.Text, nullable=False, server_default=""))
    op.add_column("model_versions", sa.Column("told_run", sa.String(255)))
    op.add_column(
        "model_versions", sa.Column("changed_at", sa.BigInteger, nullable=False, server_default="0")
    )
    versions = sa.table("model_versions", sa.column("name"), sa.column("created_at"), sa.column("changed_at"))
    connection = op.get_bind()
    connection.execute(versions.update().values(changed_at=versions.c.created_at))
    names = ("name", "created_at", "changed_at", "description", "stays")
    first, last = sa.func.min(versions.c.created_at), sa.func.max(versions.c.created_at)
    found = sa.select(versions.c.name, first, last, sa.literal(""), sa.literal(0)).group_by(versions.c.name)
    models = sa.table("registered_models", *map(sa.column, names))
    connection.execute(models.insert().from_select(names, found))
