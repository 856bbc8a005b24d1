"""SQL of aliases: each names one version of its model. What has one is not deleted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence

import sqlalchemy as sa
from msgspec import Struct

from faena.db import BigInteger, Integer, Read, String, Write, metadata, upsert
from faena.kernel.clock import Micros
from faena.workspaces import needs

aliases = sa.Table(
    "model_aliases",
    metadata,
    sa.Column("name", String(255), primary_key=True),
    sa.Column("alias", String(255), primary_key=True),
    sa.Column("version", Integer, nullable=False),
    sa.Column("set_at", BigInteger, nullable=False),
    sa.ForeignKeyConstraint(["name", "version"], ["model_versions.name", "model_versions.version"]),
    sa.Index("model_aliases_by_version", "name", "version"),
)

_TOGETHER = 500


class Alias(Struct, frozen=True):
    alias: str
    version: int
    set_at: Micros
    """Since when it means this version."""


def put(write: Write, name: str, alias: str, version: int, now: Micros) -> None:
    """Have the alias name this version, whichever it named before."""
    row = {"name": name, "alias": alias, "version": version, "set_at": now}
    upsert(write, aliases, [row], update=["version", "set_at"])


def remove(write: Write, name: str, alias: str, version: int | None) -> None:
    """`version`: only while it names this one."""
    where = (aliases.c.name == name) & (aliases.c.alias == alias)
    if version is not None:
        where &= aliases.c.version == version
    write.execute(aliases.delete().where(where))


def version_of(read: Read, name: str, alias: str) -> int | None:
    where = (aliases.c.name == name) & (aliases.c.alias == alias)
    return read.execute(sa.select(aliases.c.version).where(where)).scalar()


def of_models(read: Read, names: Collection[str]) -> dict[str, dict[str, int]]:
    """By the models' names: aliases in their order, and the version of each."""
    found: dict[str, dict[str, int]] = defaultdict(dict)
    wanted = list(names)
    for start in range(0, len(wanted), _TOGETHER):
        chosen = aliases.c.name.in_(wanted[start : start + _TOGETHER])
        query = sa.select(aliases.c.name, aliases.c.alias, aliases.c.version).where(chosen)
        for row in read.execute(query.order_by(aliases.c.name, aliases.c.alias)):
            found[row.name][row.alias] = row.version
    return found


def of_model(read: Read, name: str, most: int) -> list[Alias]:
    """In their order."""
    query = aliases.select().where(aliases.c.name == name).order_by(aliases.c.alias).limit(most)
    return [Alias(row.alias, row.version, row.set_at) for row in read.execute(query)]


@needs.keepers.add
def kept_while_named(read: Read, _: Sequence[str], models: needs.Models) -> needs.Kept | None:
    """Versions that an alias names: somebody asks for them by it."""
    if not models:
        return None
    there = of_models(read, {name for name, _ in models})
    named = {
        f"{name}:{version}": [alias for alias, of in there[name].items() if of == version]
        for name, version in models
        if version in there.get(name, {}).values()
    }
    if not named:
        return None
    first = next(iter(named))
    shown = needs.few([f"{key} by {needs.few(of)}" for key, of in named.items()])
    why = (
        f"Named by an alias: {shown}. Give the alias to another version, or take it away with "
        f"`faena alias-model {first} {named[first][0]} --remove`, and delete then."
    )
    return needs.Kept(tuple(named), why)
