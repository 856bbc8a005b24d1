"""SQL of datastores: those that were registered, and which one is the default."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from faena.db import Read, Write, metadata
from faena.kernel.clock import Micros

datastores = sa.Table(
    "datastores",
    metadata,
    sa.Column("name", sa.String(255), primary_key=True),
    sa.Column("folder", sa.Text, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
)

default = sa.Table(
    "default_datastore",
    metadata,
    sa.Column("one", sa.Integer, primary_key=True),  # always 1: there is one default
    sa.Column("name", sa.String(255), nullable=False),
)


def put(write: Write, name: str, folder: str, now: Micros) -> None:
    statement = insert(datastores).values(name=name, folder=folder, created_at=now)
    write.execute(
        statement.on_conflict_do_update(index_elements=["name"], set_={"folder": statement.excluded.folder})
    )


def delete(write: Write, name: str) -> None:
    """Silent when there is none; no default afterwards if it was."""
    write.execute(datastores.delete().where(datastores.c.name == name))
    write.execute(default.delete().where(default.c.name == name))


def folder(read: Read, name: str) -> str | None:
    return read.execute(sa.select(datastores.c.folder).where(datastores.c.name == name)).scalar_one_or_none()


def folders(read: Read) -> dict[str, str]:
    """By name."""
    rows = read.execute(sa.select(datastores.c.name, datastores.c.folder).order_by(datastores.c.name))
    return {row.name: row.folder for row in rows}


def default_name(read: Read) -> str | None:
    """None while nobody has chosen one."""
    return read.execute(sa.select(default.c.name)).scalar_one_or_none()


def set_default(write: Write, name: str) -> None:
    statement = insert(default).values(one=1, name=name)
    write.execute(
        statement.on_conflict_do_update(index_elements=["one"], set_={"name": statement.excluded.name})
    )
