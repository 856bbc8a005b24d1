"""Experiments get numbers, by which MLflow's clients know them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations

_DEFAULT = "Default"


def upgrade(op: Operations) -> None:
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
