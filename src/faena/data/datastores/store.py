"""SQL of datastores: those that were registered, and which one is the default."""

from __future__ import annotations

import sqlalchemy as sa

from faena.db import BigInteger, Integer, Read, String, Text, Write, metadata, upsert
from faena.kernel.clock import Micros

datastores = sa.Table(
    "datastores",
    metadata,
    sa.Column("name", String(255), primary_key=True),
    sa.Column("folder", Text, nullable=False),
    sa.Column("created_at", BigInteger, nullable=False),
)

default = sa.Table(
    "default_datastore",
    metadata,
    sa.Column("one", Integer, primary_key=True),  # always 1: there is one default
    sa.Column("name", String(255), nullable=False),
)


def put(write: Write, name: str, folder: str, now: Micros) -> None:
    upsert(write, datastores, {"name": name, "folder": folder, "created_at": now}, update=["folder"])


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
    upsert(write, default, {"one": 1, "name": name}, update=["name"])
