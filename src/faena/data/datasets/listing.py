"""SQL of lists of datasets: a page of them, however many there are."""

from __future__ import annotations

import sqlalchemy as sa
from msgspec import Struct

from faena.data.datasets.schemas import DatasetView
from faena.data.datasets.store import as_dataset, datasets
from faena.db import Read


class Named(Struct, frozen=True):
    """The latest version of a name."""

    dataset: DatasetView
    versions: int


def latest(read: Read, text: str, start: int, most: int) -> tuple[list[Named], int]:
    """Of each name that has `text` in it, by name, from a place on; and how many names there are."""
    named = (
        sa.select(
            datasets.c.name,
            sa.func.max(datasets.c.version).label("version"),
            sa.func.count().label("versions"),
        )
        .where(datasets.c.name.is_not(None))
        .group_by(datasets.c.name)
    )
    if text:
        named = named.where(sa.func.lower(datasets.c.name).contains(text.lower(), autoescape=True))
    total = int(read.execute(sa.select(sa.func.count()).select_from(named.subquery())).scalar_one())
    chosen = named.order_by(datasets.c.name).limit(most).offset(start).subquery()
    same = (datasets.c.name == chosen.c.name) & (datasets.c.version == chosen.c.version)
    statement = sa.select(datasets, chosen.c.versions).join(chosen, same).order_by(datasets.c.name)
    return [Named(as_dataset(row), int(row.versions)) for row in read.execute(statement)], total


def of_one(read: Read, name: str, start: int, most: int) -> tuple[list[DatasetView], int]:
    """The versions of a name, the latest first, from a place on; and how many there are."""
    where = datasets.c.name == name
    total = int(read.execute(sa.select(sa.func.count()).select_from(datasets).where(where)).scalar_one())
    found = datasets.select().where(where).order_by(datasets.c.version.desc()).limit(most).offset(start)
    return [as_dataset(row) for row in read.execute(found)], total
