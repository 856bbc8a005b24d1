"""SQL of lists of registered environments: a page of them, however many there are."""

from __future__ import annotations

import sqlalchemy as sa
from msgspec import Struct

from faena.db import Read
from faena.environments.schemas import EnvironmentView
from faena.environments.store import as_view, registered


class Named(Struct, frozen=True):
    """The latest version of a name."""

    view: EnvironmentView
    versions: int


def latest(read: Read, text: str, start: int, most: int) -> tuple[list[Named], int]:
    """Of each name that has `text` in it, by name, from a place on; and how many names there are."""
    named = sa.select(
        registered.c.name,
        sa.func.max(registered.c.version).label("version"),
        sa.func.count().label("versions"),
    ).group_by(registered.c.name)
    if text:
        named = named.where(sa.func.lower(registered.c.name).contains(text.lower(), autoescape=True))
    total = int(read.execute(sa.select(sa.func.count()).select_from(named.subquery())).scalar_one())
    chosen = named.order_by(registered.c.name).limit(most).offset(start).subquery()
    same = (registered.c.name == chosen.c.name) & (registered.c.version == chosen.c.version)
    rows = read.execute(
        sa.select(registered, chosen.c.versions).join(chosen, same).order_by(registered.c.name)
    )
    return [Named(as_view(row), int(row.versions)) for row in rows], total


def of_one(read: Read, name: str, start: int, most: int) -> tuple[list[EnvironmentView], int]:
    """The versions of a name, the latest first, from a place on; and how many there are."""
    where = registered.c.name == name
    total = int(read.execute(sa.select(sa.func.count()).select_from(registered).where(where)).scalar_one())
    rows = registered.select().where(where).order_by(registered.c.version.desc()).limit(most).offset(start)
    return [as_view(row) for row in read.execute(rows)], total
