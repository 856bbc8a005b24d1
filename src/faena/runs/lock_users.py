"""Which of the latest runs had which environment."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from msgspec import Struct

from faena.db import Read
from faena.kernel.clock import Micros
from faena.runs.store import runs

LATEST = 10_000
"""Runs that are looked at."""


class User(Struct, frozen=True):
    run_id: str
    title: str
    created_at: Micros


def counts(read: Read, locks: Sequence[str]) -> dict[str, int]:
    """How many of them, by the digest of the lock."""
    latest = _latest(runs.c.lock)
    asked = sa.select(latest.c.lock, sa.func.count().label("runs")).where(latest.c.lock.in_(list(locks)))
    return {row.lock: int(row.runs) for row in read.execute(asked.group_by(latest.c.lock))}


def of_lock(read: Read, lock: str, most: int) -> list[User]:
    """The latest of them."""
    latest = _latest(runs.c.lock, runs.c.id, runs.c.name, runs.c.created_at)
    asked = sa.select(latest).where(latest.c.lock == lock).order_by(latest.c.created_at.desc(), latest.c.id)
    return [User(row.id, row.name or row.id, row.created_at) for row in read.execute(asked.limit(most))]


def _latest(*columns: sa.Column[str]) -> sa.Subquery:
    newest = sa.select(*columns).where(runs.c.deletion.is_(None))
    return newest.order_by(runs.c.created_at.desc(), runs.c.id.desc()).limit(LATEST).subquery()
