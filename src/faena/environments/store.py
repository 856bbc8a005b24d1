"""SQL of locks: what the environment of each run held."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from faena.db import Read, Write, metadata
from faena.environments.model import Lock
from faena.kernel.clock import Micros

locks = sa.Table(
    "locks",
    metadata,
    sa.Column("digest", sa.String(64), primary_key=True),
    sa.Column("lock", sa.LargeBinary, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
)


def put(write: Write, lock: Lock, now: Micros) -> str:
    """Keep a lock; its digest. Idempotent."""
    values = {"digest": lock.digest, "lock": msgspec.json.encode(lock), "created_at": now}
    write.execute(insert(locks).values(**values).on_conflict_do_nothing())
    return lock.digest


def get(read: Read, digest: str) -> Lock | None:
    found = read.execute(sa.select(locks.c.lock).where(locks.c.digest == digest)).scalar_one_or_none()
    return None if found is None else Lock.from_json(found)
