"""SQL of lists of models: a page of them, whatever their number and that of their files."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import sqlalchemy as sa
from msgspec import Struct, field

from faena.db import Read
from faena.kernel.clock import Micros
from faena.models import alias_store
from faena.models import name_store as names
from faena.models.model import Framework, ModelFile, RegisteredModel
from faena.models.names import IS_SHOWN, several
from faena.models.store import IS_THERE, TAG, files, labels, versions


class Line(Struct, frozen=True):
    """A version without its files."""

    name: str
    version: int
    run_id: str | None
    path: str
    created_at: Micros
    description: str
    framework: Framework
    tags: dict[str, str]
    size: int
    files: int
    versions: int = 1
    """Of the same name, where the line stands for all of them."""
    aliases: dict[str, int] = field(default_factory=dict)
    """All of the name's, with the version that each means."""
    stage: str = ""
    source: str = ""


def latest(read: Read, text: str, start: int, most: int) -> tuple[list[Line], int]:
    """The latest version of each name that has `text` in it, by name, from a place on; and how many names there are.

    Of a name that has none yet a line with version 0.
    """
    counted = sa.select(
        versions.c.name, sa.func.max(versions.c.version).label("version"), sa.func.count().label("number")
    )
    its = counted.where(IS_THERE).group_by(versions.c.name).subquery()
    name = names.names.c.name
    named = sa.select(name, its.c.version, its.c.number).outerjoin(its, its.c.name == name).where(IS_SHOWN)
    if text:
        named = named.where(sa.func.lower(name).contains(text.lower(), autoescape=True))
    total = int(read.execute(sa.select(sa.func.count()).select_from(named.subquery())).scalar_one())
    rows = read.execute(named.order_by(name).limit(most).offset(start)).all()
    counts = {row.name: int(row.number or 0) for row in rows}
    having = [(row.name, row.version) for row in rows if row.version]
    lines = {line.name: line for line in _lines(read, having, [counts[name] for name, _ in having])}
    lines |= {
        model.name: _empty(model) for model in several(read, [n for n, count in counts.items() if not count])
    }
    return [lines[name] for name in counts if name in lines], total


def _empty(model: RegisteredModel) -> Line:
    return Line(
        name=model.name,
        version=0,
        run_id=None,
        path="",
        created_at=model.created_at,
        description=model.description,
        framework=Framework(),
        tags=model.tags,
        size=0,
        files=0,
        versions=0,
    )


def of_one(read: Read, name: str, start: int, most: int) -> tuple[list[Line], int]:
    """The versions of a model, the latest first, from a place on; and how many there are."""
    where = (versions.c.name == name) & IS_THERE
    total = int(read.execute(sa.select(sa.func.count()).select_from(versions).where(where)).scalar_one())
    numbers = (
        sa.select(versions.c.version)
        .where(where)
        .order_by(versions.c.version.desc())
        .limit(most)
        .offset(start)
    )
    found = [(name, number) for number in read.execute(numbers).scalars()]
    return _lines(read, found, [1] * len(found)), total


def first_files(read: Read, name: str, version: int, most: int) -> list[ModelFile]:
    """By their paths."""
    query = (
        files.select()
        .where(files.c.name == name, files.c.version == version)
        .order_by(files.c.path)
        .limit(most)
    )
    return [ModelFile(row.path, row.digest, row.size) for row in read.execute(query)]


def file(read: Read, name: str, version: int, path: str) -> ModelFile | None:
    where = (files.c.name == name) & (files.c.version == version) & (files.c.path == path)
    row = read.execute(files.select().where(where)).first()
    return None if row is None else ModelFile(row.path, row.digest, row.size)


def _lines(read: Read, chosen: Sequence[tuple[str, int]], counts: Sequence[int]) -> list[Line]:
    """In their order; four statements however many there are."""
    if not chosen:
        return []

    def among(table: sa.Table) -> sa.ColumnElement[bool]:
        return sa.tuple_(table.c.name, table.c.version).in_(list(chosen))

    rows = {(row.name, row.version): row for row in read.execute(versions.select().where(among(versions)))}
    sums = sa.select(
        files.c.name, files.c.version, sa.func.count().label("files"), sa.func.sum(files.c.size).label("size")
    )
    sizes = {
        (row.name, row.version): (int(row.files), int(row.size))
        for row in read.execute(sums.where(among(files)).group_by(files.c.name, files.c.version))
    }
    tags: dict[tuple[str, int], dict[str, str]] = defaultdict(dict)
    marked = labels.select().where(among(labels), labels.c.kind == TAG).order_by(labels.c.key)
    for row in read.execute(marked):
        tags[row.name, row.version][row.key] = row.value
    named = alias_store.of_models(read, {name for name, _ in chosen})
    lines = []
    for key, count in zip(chosen, counts, strict=True):
        row, (number, size) = rows[key], sizes.get(key, (0, 0))
        lines.append(
            Line(
                name=row.name,
                version=row.version,
                run_id=row.run_id,
                path=row.path,
                created_at=row.created_at,
                description=row.description,
                framework=Framework(row.framework, row.framework_version),
                tags=tags[key],
                size=size,
                files=number,
                versions=count,
                aliases=named.get(row.name, {}),
                stage=row.stage,
                source=row.source,
            )
        )
    return lines
