"""SQL of locks (what the environment of each run held) and of registered environments."""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa

from faena.db import BigInteger, Integer, Read, String, Write, metadata, upsert
from faena.db.prepared import Prepared
from faena.environments.model import Lock
from faena.environments.schemas import EnvironmentDefinition, EnvironmentView
from faena.kernel.clock import Micros

locks = sa.Table(
    "locks",
    metadata,
    sa.Column("digest", String(64), primary_key=True),
    sa.Column("lock", sa.LargeBinary, nullable=False),
    sa.Column("created_at", BigInteger, nullable=False),
)

registered = sa.Table(
    "environments",
    metadata,
    sa.Column("name", String(255), primary_key=True),
    sa.Column("version", Integer, primary_key=True),
    sa.Column("definition", sa.LargeBinary, nullable=False),
    sa.Column("created_at", BigInteger, nullable=False),
)

_LOCK = Prepared(sa.select(locks.c.lock).where(locks.c.digest == sa.bindparam("which")))


def put(write: Write, lock: Lock, now: Micros) -> str:
    """Keep a lock; its digest. Idempotent."""
    values = {"digest": lock.digest, "lock": msgspec.json.encode(lock), "created_at": now}
    upsert(write, locks, values)
    return lock.digest


def get(read: Read, digest: str) -> Lock | None:
    found = read.execute(_LOCK, {"which": digest}).scalar()
    return None if found is None else Lock.from_json(found)


def add_version(write: Write, view: EnvironmentView) -> None:
    definition = msgspec.json.encode(view.definition)
    write.execute(
        registered.insert().values(
            name=view.name, version=view.version, definition=definition, created_at=view.created_at
        )
    )


def version(read: Read, name: str, number: int | None) -> EnvironmentView | None:
    """One version of a name, the latest when None."""
    statement = registered.select().where(registered.c.name == name)
    statement = statement.where(registered.c.version == number) if number is not None else statement
    row = read.execute(statement.order_by(registered.c.version.desc()).limit(1)).first()
    return as_view(row) if row else None


def versions(read: Read, name: str | None = None) -> list[EnvironmentView]:
    """All, or all of one name, the newest version of each name first."""
    statement = registered.select().order_by(registered.c.name, registered.c.version.desc())
    statement = statement.where(registered.c.name == name) if name is not None else statement
    return [as_view(row) for row in read.execute(statement)]


def as_view(row: Any) -> EnvironmentView:
    definition = msgspec.json.decode(row.definition, type=EnvironmentDefinition)
    return EnvironmentView(row.name, row.version, row.created_at, definition)
