"""Saved views: names for what a page's address asks for."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import unquote_plus

import sqlalchemy as sa

from faena.db import Read, Write
from faena.kernel.clock import Micros
from faena.workspaces.schemas import SavedView
from faena.workspaces.store import views


def list_views(read: Read, page: str | None = None) -> list[SavedView]:
    statement = sa.select(views.c.id, views.c.page, views.c.name, views.c.query).order_by(views.c.name)
    if page is not None:
        statement = statement.where(views.c.page == page)
    found = [SavedView(*tuple(row)) for row in read.execute(statement)]
    if isinstance(read, Write) or not (hidden := read.view.hidden):
        return found
    return [view for view in found if not names_one(view.query, hidden.values())]


def names_one(query: str, experiments: Iterable[str]) -> bool:
    """Whether a view's address has the name of one of these, also as the beginning of a run's id."""
    asked = unquote_plus(query)
    return any(
        name in asked and re.search(rf"(?<![^\W_]){re.escape(name)}(?![^\W_])", asked) is not None
        for name in experiments
    )


def get_view(read: Read, number: int) -> SavedView | None:
    statement = sa.select(views.c.id, views.c.page, views.c.name, views.c.query)
    row = read.execute(statement.where(views.c.id == number)).first()
    return SavedView(*tuple(row)) if row else None


def find_view(read: Read, page: str, name: str) -> int | None:
    return read.execute(sa.select(views.c.id).where(views.c.page == page, views.c.name == name)).scalar()


def put_view(write: Write, page: str, name: str, query: str, now: Micros) -> int:
    """A view of this name is another one from now on."""
    values = {"page": page, "name": name, "query": query, "changed_at": now}
    number = find_view(write, page, name)
    if number is None:
        made: int = write.execute(views.insert().values(values).returning(views.c.id)).scalar_one()
        return made
    write.execute(views.update().where(views.c.id == number).values(values))
    return number


def rename_view(write: Write, number: int, name: str, now: Micros) -> None:
    write.execute(views.update().where(views.c.id == number).values(name=name, changed_at=now))


def delete_view(write: Write, number: int) -> None:
    write.execute(views.delete().where(views.c.id == number))
