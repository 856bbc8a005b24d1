"""Which objects there are and when somebody last asked to keep them: what collection goes by."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa

from faena.db import BigInteger, Read, String, Write, metadata, upsert
from faena.kernel.clock import Micros

objects = sa.Table(
    "objects",
    metadata,
    sa.Column("digest", String(64), primary_key=True),
    sa.Column("size", BigInteger, nullable=False),
    sa.Column("touched_at", BigInteger, nullable=False),
)


def touch(write: Write, sizes: dict[str, int], now: Micros) -> None:
    """Record objects that are on disk, or renew them. Deduplicated puts count as well as first ones."""
    rows = [{"digest": digest, "size": size, "touched_at": now} for digest, size in sizes.items()]
    upsert(write, objects, rows, update=["touched_at"])


def known(read: Read, wanted: Collection[str]) -> dict[str, int]:
    """Sizes by digest, of those wanted that are here."""
    found: dict[str, int] = {}
    pending = sorted(wanted)
    for start in range(0, len(pending), 500):
        part = pending[start : start + 500]
        rows = read.execute(sa.select(objects.c.digest, objects.c.size).where(objects.c.digest.in_(part)))
        found.update({row.digest: row.size for row in rows})
    return found
