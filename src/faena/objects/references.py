"""Which columns of all tables refer to objects and snapshots: what collection must not take, and a backup must hold.

A feature marks such a column where it defines it: `sa.Column("digest", …, info=OBJECT)`.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from faena.db import Read, metadata
from faena.objects.store import objects

OBJECT = {"refers_to": "objects"}
"""The mark of a column that holds digests of objects."""
SNAPSHOT = {"refers_to": "snapshots"}
"""The mark of a column that holds digests of snapshots."""


def references(mark: dict[str, str] = OBJECT) -> list[sa.Column[Any]]:
    """All columns with this mark of the features that are loaded."""
    return [column for table in metadata.sorted_tables for column in table.c if column.info == mark]


def referred(read: Read) -> dict[str, int | None]:
    """Digests of all objects that something refers to, with their sizes; None where there is no row of the object."""
    digests = sa.union(*(sa.select(column.label("digest")) for column in references())).subquery()
    statement = sa.select(digests.c.digest, objects.c.size).outerjoin(
        objects, objects.c.digest == digests.c.digest
    )
    return {row.digest: row.size for row in read.execute(statement)}
