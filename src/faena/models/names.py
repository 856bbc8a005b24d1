"""Use cases of models as such: a name with a description and tags of its own, which may have no version yet."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from faena.db import Read, Write
from faena.kernel import ids
from faena.kernel.clock import Micros
from faena.kernel.errors import Conflict, ModelNotFoundException
from faena.models import name_store as store
from faena.models.model import RegisteredModel
from faena.models.schemas import ModelNameView
from faena.models.store import IS_THERE, versions

_has_version = sa.exists().where(versions.c.name == store.names.c.name, IS_THERE)
IS_SHOWN = store.names.c.deletion.is_(None) & ((store.names.c.stays == 1) | _has_version)
"""Of rows of names: whether there is such a model. One that was never made by itself goes with its last version."""
_TOGETHER = 500


def find(read: Read, name: str) -> RegisteredModel | None:
    return next(iter(several(read, [name])), None)


def get(read: Read, name: str) -> RegisteredModel:
    """Raises ModelNotFoundException."""
    if (found := find(read, name)) is None:
        raise ModelNotFoundException(
            f"ModelNotFound: Model with name {name[:300]} not found in provided workspace. `faena models` lists them."
        )
    return found


def several(read: Read, wanted: Sequence[str]) -> list[RegisteredModel]:
    """Those that there are, by name."""
    found: list[RegisteredModel] = []
    for start in range(0, len(wanted), _TOGETHER):
        chosen = store.names.c.name.in_(wanted[start : start + _TOGETHER])
        rows = read.execute(store.names.select().where(chosen, IS_SHOWN).order_by(store.names.c.name))
        found += of_rows(read, rows.all())
    return found


def listed(read: Read, *, empty: bool = False) -> list[ModelNameView]:
    """All, by name; `empty`: those without a version only."""
    number = (
        sa.select(sa.func.count()).where(versions.c.name == store.names.c.name, IS_THERE).scalar_subquery()
    )
    query = sa.select(*store.names.c, number.label("versions")).where(IS_SHOWN).order_by(store.names.c.name)
    rows = read.execute(query.where(~_has_version) if empty else query).all()
    counts = {row.name: int(row.versions) for row in rows}
    return [
        ModelNameView(
            each.name, each.created_at, each.changed_at, each.description, each.tags, counts[each.name]
        )
        for each in of_rows(read, rows)
    ]


def of_rows(read: Read, rows: Sequence[Any]) -> list[RegisteredModel]:
    """In their order."""
    tags = store.tags_of(read, [row.name for row in rows])
    return [
        RegisteredModel(row.name, row.created_at, row.changed_at, row.description, tags.get(row.name, {}))
        for row in rows
    ]


def create(
    write: Write, name: str, now: Micros, *, description: str = "", tags: Mapping[str, str] | None = None
) -> RegisteredModel:
    """A model without a version, which stays until it is deleted by its name.

    Raises Conflict where there is one of that name, WebserviceException for what cannot be a name.
    """
    ids.check_model_name(name)
    if find(write, name) is not None:
        raise Conflict(f"There is a model {name!r} already. Use another name.")
    store.begin(write, name, now)
    store.change(write, name, now, description, stays=True)
    store.set_tags(write, name, tags or {})
    return get(write, name)


def ensure(write: Write, name: str, now: Micros) -> None:
    """The model of a version that is registered now; one that was deleted begins anew."""
    if find(write, name) is None:
        store.begin(write, name, now)
    else:
        store.change(write, name, now)


def describe(write: Write, name: str, description: str, now: Micros) -> RegisteredModel:
    """Raises ModelNotFoundException."""
    get(write, name)
    store.change(write, name, now, description)
    return get(write, name)


def set_tags(write: Write, name: str, tags: Mapping[str, str]) -> None:
    """Add, or replace those of the same key. Raises ModelNotFoundException."""
    get(write, name)
    store.set_tags(write, name, tags)


def remove_tags(write: Write, name: str, keys: Collection[str]) -> None:
    """Silent about those that are not there. Raises ModelNotFoundException."""
    get(write, name)
    store.remove_tags(write, name, keys)
