"""SQL of the models themselves: what belongs to a name and not to one of its versions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

import sqlalchemy as sa

from faena.db import BigInteger, Integer, Read, String, Text, Write, metadata, partial_index, upsert
from faena.kernel.clock import Micros

names = sa.Table(
    "registered_models",
    metadata,
    sa.Column("name", String(255), primary_key=True),
    sa.Column("created_at", BigInteger, nullable=False),
    sa.Column("changed_at", BigInteger, nullable=False),
    sa.Column("description", Text, nullable=False),
    sa.Column("stays", Integer, nullable=False),
    sa.Column("deletion", Integer),
    partial_index("registered_models_deleted", "deletion", where=sa.column("deletion").is_not(None)),
)
"""Each name that a version was ever registered under, or that was made by itself. `stays`: 1 where the model is there
while it has no version, too."""

tags = sa.Table(
    "registered_model_tags",
    metadata,
    sa.Column("name", sa.ForeignKey("registered_models.name"), primary_key=True),
    sa.Column("key", String(255), primary_key=True),
    sa.Column("value", Text, nullable=False),
)

_TOGETHER = 500


def begin(write: Write, name: str, now: Micros) -> None:
    """As one that has nothing yet, whatever it had before."""
    write.execute(tags.delete().where(tags.c.name == name))
    row = {
        "name": name,
        "created_at": now,
        "changed_at": now,
        "description": "",
        "stays": 0,
        "deletion": None,
    }
    upsert(write, names, row, update=["created_at", "changed_at", "description", "stays", "deletion"])


def change(write: Write, name: str, now: Micros, description: str | None = None, stays: bool = False) -> None:
    """Say that it changed now. `description`: instead of the one that it has; `stays`: from now on."""
    values: dict[str, object] = {"changed_at": now}
    if description is not None:
        values["description"] = description
    if stays:
        values["stays"] = 1
    write.execute(names.update().where(names.c.name == name).values(**values))


def set_tags(write: Write, name: str, given: Mapping[str, str]) -> None:
    """Add, or replace those of the same key."""
    rows = [{"name": name, "key": key, "value": value} for key, value in given.items()]
    upsert(write, tags, rows, update=["value"])


def remove_tags(write: Write, name: str, keys: Iterable[str]) -> None:
    write.execute(tags.delete().where(tags.c.name == name, tags.c.key.in_(list(keys))))


def tags_of(read: Read, of: Collection[str]) -> dict[str, dict[str, str]]:
    """By the models' names, in the order of their keys."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    wanted = list(of)
    for start in range(0, len(wanted), _TOGETHER):
        chosen = tags.c.name.in_(wanted[start : start + _TOGETHER])
        for row in read.execute(tags.select().where(chosen).order_by(tags.c.name, tags.c.key)):
            found[row.name][row.key] = row.value
    return found


def copy_as(write: Write, name: str, new_name: str, now: Micros) -> None:
    """All of a model but its versions under another name, which has nothing yet or was deleted."""
    begin(write, new_name, now)
    row = write.execute(names.select().where(names.c.name == name)).one()
    same = {"created_at": row.created_at, "description": row.description, "stays": row.stays}
    write.execute(names.update().where(names.c.name == new_name).values(**same))
    set_tags(write, new_name, tags_of(write, [name]).get(name, {}))


def remove(write: Write, name: str) -> None:
    write.execute(tags.delete().where(tags.c.name == name))
    write.execute(names.delete().where(names.c.name == name))


def forget(write: Write, deletion: int) -> None:
    """What a deletion took away of models for good; their rows stay, and begin anew with the next version."""
    marked = sa.select(names.c.name).where(names.c.deletion == deletion)
    write.execute(tags.delete().where(tags.c.name.in_(marked)))
    emptied = {"deletion": None, "description": "", "stays": 0}
    write.execute(names.update().where(names.c.deletion == deletion).values(**emptied))
