"""Which columns of all tables refer to objects and snapshots: what collection must not take, and a backup must hold.

A feature marks such a column where it defines it: `sa.Column("digest", …, info=OBJECT)`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from faena.db import Read, Write, metadata
from faena.kernel.clock import Micros
from faena.objects.store import objects

OBJECT = {"refers_to": "objects"}
"""The mark of a column that holds digests of objects."""
SNAPSHOT = {"refers_to": "snapshots"}
"""The mark of a column that holds digests of snapshots."""


def references(mark: dict[str, str] = OBJECT) -> list[sa.Column[Any]]:
    """All columns with this mark of the features that are loaded."""
    return [column for table in metadata.sorted_tables for column in table.c if column.info == mark]


def is_unreferenced() -> sa.ColumnElement[bool]:
    """Whether no row refers to an object."""
    return sa.and_(*(~sa.exists().where(column == objects.c.digest) for column in references()))


def forget_objects(write: Write, digests: Sequence[str], before: Micros) -> list[tuple[str, int]]:
    """(digest, size) of those that were touched last before that time and that nothing refers to; the others stay."""
    chosen = objects.c.digest.in_(digests) & (objects.c.touched_at < before) & is_unreferenced()
    gone = write.execute(objects.delete().where(chosen).returning(objects.c.digest, objects.c.size))
    return [(row.digest, row.size) for row in gone]


def referred(read: Read) -> dict[str, int | None]:
    """Digests of all objects that something refers to, with their sizes; None where there is no row of the object."""
    digests = sa.union(*(sa.select(column.label("digest")) for column in references())).subquery()
    statement = sa.select(digests.c.digest, objects.c.size).outerjoin(
        objects, objects.c.digest == digests.c.digest
    )
    return {row.digest: row.size for row in read.execute(statement)}
