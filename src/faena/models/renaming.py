"""A model gets another name, and with it all of its versions, their files, tags and aliases."""

from __future__ import annotations

import os
from typing import Any

import sqlalchemy as sa

from faena.db import Write
from faena.kernel import ids
from faena.kernel.clock import Micros
from faena.kernel.errors import Conflict
from faena.models import name_store, names
from faena.models.alias_store import aliases
from faena.models.model import RegisteredModel
from faena.models.store import IS_THERE, files, labels, versions
from faena.workspaces import needs


def rename(write: Write, name: str, new_name: str, now: Micros) -> RegisteredModel:
    """Raises ModelNotFoundException; Conflict where the new name is taken, or an endpoint serves a version.

    WebserviceException for what cannot be a name.
    """
    names.get(write, name)
    ids.check_model_name(new_name)
    if new_name == name:
        name_store.change(write, name, now)
        return names.get(write, name)
    if names.find(write, new_name) is not None:
        raise Conflict(f"There is a model {new_name!r} already. Use another name.")
    _check_numbers(write, name, new_name)
    name_store.copy_as(write, name, new_name, now)
    _move_versions(write, name, new_name, now)
    name_store.remove(write, name)
    return names.get(write, new_name)


def _check_numbers(write: Write, name: str, new_name: str) -> None:
    """Versions of a model that was deleted had numbers, and nobody gets them again."""
    numbers = sa.select(versions.c.version).where(versions.c.name == name)
    taken = sa.select(versions.c.version).where(versions.c.name == new_name, versions.c.version.in_(numbers))
    if (number := write.execute(taken.limit(1)).scalar()) is not None:
        raise Conflict(
            f"There was a model {new_name!r}, and its number {number} is never given out again. Use another name."
        )


def _move_versions(write: Write, name: str, new_name: str, now: Micros) -> None:
    """Rows refer to a version by its name: it is there twice until all of them refer to the new one."""
    old = versions.c.name == name
    listed = write.execute(sa.select(versions.c.version, versions.c.request_id).where(old)).all()
    if not listed:
        return
    there = write.execute(sa.select(versions.c.version).where(old, IS_THERE)).scalars().all()
    # a request is named by one row only: the copies get its name when the others are gone
    until_then = sa.literal(f"{os.urandom(12).hex()}-").concat(sa.cast(versions.c.version, sa.Text))
    new: dict[str, sa.ColumnElement[Any]] = {
        "name": sa.literal(new_name),
        "changed_at": sa.literal(now),
        "request_id": until_then,
    }
    columns = [new.get(column.name, column) for column in versions.c]
    write.execute(versions.insert().from_select(list(versions.c.keys()), sa.select(*columns).where(old)))
    for table in (labels, files, aliases):
        write.execute(table.update().where(table.c.name == name).values(name=new_name))
    if kept := needs.kept(write, [], [(name, version) for version in there]):
        raise Conflict(" ".join(each.why for each in kept))
    write.execute(versions.delete().where(old))
    same = (versions.c.name == new_name) & (versions.c.version == sa.bindparam("number"))
    named = [{"number": row.version, "asked": row.request_id} for row in listed]
    write.execute(versions.update().where(same).values(request_id=sa.bindparam("asked")), named)
