"""Which objects and snapshots nothing refers to."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from faena.data.store import snapshot_objects, snapshots
from faena.db import Read, Write
from faena.kernel.clock import Micros
from faena.objects.references import SNAPSHOT, is_unreferenced, references
from faena.objects.store import objects


def unneeded_snapshots(read: Read, before: Micros, limit: int) -> list[str]:
    """Offered last before that time, and not what any run was made from, or what else has one."""
    query = sa.select(snapshots.c.digest).where(snapshots.c.created_at < before, _is_unused()).limit(limit)
    return list(read.execute(query).scalars())


def forget_snapshots(write: Write, digests: Sequence[str], before: Micros) -> None:
    """Those of them that are still not needed."""
    chosen = snapshots.c.digest.in_(digests) & (snapshots.c.created_at < before) & _is_unused()
    digests = list(write.execute(sa.select(snapshots.c.digest).where(chosen)).scalars())
    write.execute(snapshot_objects.delete().where(snapshot_objects.c.snapshot.in_(digests)))
    write.execute(snapshots.delete().where(snapshots.c.digest.in_(digests)))


def unneeded(read: Read, before: Micros, after: str, limit: int) -> list[tuple[str, int]]:
    """(digest, size) of objects touched last before that time and referred to by no row, by digest from `after` on."""
    query = (
        sa.select(objects.c.digest, objects.c.size)
        .where(objects.c.digest > after, objects.c.touched_at < before, is_unreferenced())
        .order_by(objects.c.digest)
        .limit(limit)
    )
    return [(row.digest, row.size) for row in read.execute(query)]


def waiting(read: Read, since: Micros) -> int:
    """Bytes that no row refers to, touched at that time or later."""
    query = sa.select(sa.func.sum(objects.c.size)).where(objects.c.touched_at >= since, is_unreferenced())
    return int(read.execute(query).scalar() or 0)


def _is_unused() -> sa.ColumnElement[bool]:
    return sa.and_(*(~sa.exists().where(column == snapshots.c.digest) for column in references(SNAPSHOT)))
