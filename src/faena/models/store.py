"""SQL of the model registry."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from faena.db import BigInteger, Integer, Read, String, Text, Write, metadata, partial_index, upsert
from faena.kernel.clock import Micros
from faena.models.alias_store import aliases
from faena.models.model import Framework, Label, ModelFile, ModelVersion, Search
from faena.objects.references import OBJECT

versions = sa.Table(
    "model_versions",
    metadata,
    sa.Column("name", String(255), primary_key=True),
    sa.Column("version", Integer, primary_key=True),
    sa.Column("request_id", String(64), nullable=False, unique=True),
    sa.Column("run_id", sa.ForeignKey("runs.id"), index=True),
    sa.Column("path", Text, nullable=False),
    sa.Column("created_at", BigInteger, nullable=False),
    sa.Column("deleted_at", BigInteger),
    sa.Column("description", Text, nullable=False),
    sa.Column("framework", Text, nullable=False),
    sa.Column("framework_version", Text, nullable=False),
    sa.Column("datasets", sa.LargeBinary, nullable=False),
    sa.Column("deletion", Integer),
    sa.Column("stage", String(16), nullable=False, default=""),
    sa.Column("source", Text, nullable=False, default=""),
    sa.Column("location", Text, nullable=False, default=""),
    sa.Column("told_run", String(255)),
    sa.Column("changed_at", BigInteger, nullable=False, default=0),
    partial_index("model_versions_deleted", "deletion", where=sa.column("deletion").is_not(None)),
)
"""A row stays when its version is deleted, so that nobody gets the version or the request again."""

labels = sa.Table(
    "model_labels",
    metadata,
    sa.Column("name", String(255), primary_key=True),
    sa.Column("version", Integer, primary_key=True),
    sa.Column("kind", String(8), primary_key=True),
    sa.Column("key", Text, primary_key=True),
    sa.Column("value", Text, nullable=False),
    sa.ForeignKeyConstraint(["name", "version"], ["model_versions.name", "model_versions.version"]),
)
TAG = "tag"
PROPERTY = "property"

files = sa.Table(
    "model_files",
    metadata,
    sa.Column("name", String(255), primary_key=True),
    sa.Column("version", Integer, primary_key=True),
    sa.Column("path", Text, primary_key=True),
    sa.Column("digest", sa.ForeignKey("objects.digest"), nullable=False, index=True, info=OBJECT),
    sa.Column("size", BigInteger, nullable=False),
    sa.ForeignKeyConstraint(["name", "version"], ["model_versions.name", "model_versions.version"]),
)

_TOGETHER = 500
IS_THERE = versions.c.deleted_at.is_(None) & versions.c.deletion.is_(None)


def next_version(read: Read, name: str) -> int:
    """One more than the highest that was ever given out."""
    found = read.execute(sa.select(sa.func.max(versions.c.version)).where(versions.c.name == name)).scalar()
    return int(found or 0) + 1


def add(write: Write, model: ModelVersion, request_id: str) -> None:
    write.execute(
        versions.insert().values(
            name=model.name,
            version=model.version,
            request_id=request_id,
            run_id=model.run_id,
            path=model.path,
            created_at=model.created_at,
            description=model.description,
            framework=model.framework.name,
            framework_version=model.framework.version,
            datasets=msgspec.json.encode(model.datasets),
            stage=model.stage,
            source=model.source,
            location=model.location,
            told_run=model.told_run,
            changed_at=model.created_at,
        )
    )
    set_labels(write, model.name, model.version, TAG, model.tags)
    set_labels(write, model.name, model.version, PROPERTY, model.properties)
    rows = [
        {"name": model.name, "version": model.version, "path": f.path, "digest": f.digest, "size": f.size}
        for f in model.files
    ]
    if rows:
        write.execute(files.insert(), rows)


def set_labels(write: Write, name: str, version: int, kind: str, values: Mapping[str, str]) -> None:
    """Add, or replace those of the same key."""
    rows = [
        {"name": name, "version": version, "kind": kind, "key": key, "value": value}
        for key, value in values.items()
    ]
    upsert(write, labels, rows, update=["value"])


def remove_tags(write: Write, name: str, version: int, keys: Iterable[str] | None = None) -> None:
    """Those keys; all when None."""
    where = _of(labels, name, version) & (labels.c.kind == TAG)
    if keys is not None:
        where &= labels.c.key.in_(list(keys))
    write.execute(labels.delete().where(where))


def change(write: Write, name: str, version: int, now: Micros, **values: str) -> None:
    """Columns of a version, and that it changed now."""
    write.execute(versions.update().where(_of(versions, name, version)).values(changed_at=now, **values))


def in_stage(read: Read, name: str, stage: str) -> list[int]:
    """Versions, the latest first."""
    where = (versions.c.name == name) & (versions.c.stage == stage) & IS_THERE
    query = sa.select(versions.c.version).where(where).order_by(versions.c.version.desc())
    return list(read.execute(query).scalars())


def latest_of_stages(read: Read, names: Sequence[str]) -> dict[str, list[ModelVersion]]:
    """Of each model the latest version in each stage, and the latest that is in none."""
    found: dict[str, list[ModelVersion]] = {name: [] for name in names}
    for start in range(0, len(names), _TOGETHER):
        chosen = versions.c.name.in_(names[start : start + _TOGETHER]) & IS_THERE
        highest = sa.func.max(versions.c.version)
        keys = (
            sa.select(versions.c.name, highest.label("latest"))
            .where(chosen)
            .group_by(versions.c.name, versions.c.stage)
        )
        latest = [(row.name, row.latest) for row in read.execute(keys)]
        for model in several(read, latest, with_files=False):
            found[model.name].append(model)
    return found


def several(read: Read, keys: Sequence[tuple[str, int]], *, with_files: bool = True) -> list[ModelVersion]:
    """Those (name, version) that there are, in their order."""
    found: dict[tuple[str, int], ModelVersion] = {}
    for start in range(0, len(keys), _TOGETHER):
        chosen = sa.tuple_(versions.c.name, versions.c.version).in_(list(keys[start : start + _TOGETHER]))
        found |= {(model.name, model.version): model for model in _found(read, chosen, with_files=with_files)}
    return [found[key] for key in keys if key in found]


def set_datasets(write: Write, name: str, version: int, datasets: tuple[tuple[str, str], ...]) -> None:
    """In the place of those that it has."""
    kept = msgspec.json.encode(datasets)
    write.execute(versions.update().where(_of(versions, name, version)).values(datasets=kept))


def delete(write: Write, name: str, version: int, now: Micros) -> None:
    """Forget everything of a version but that it was given out."""
    write.execute(files.delete().where(_of(files, name, version)))
    write.execute(labels.delete().where(_of(labels, name, version)))
    write.execute(aliases.delete().where(_of(aliases, name, version)))
    emptied = {"deleted_at": now, "run_id": None, "path": "", "description": "", "datasets": b"[]"}
    emptied |= {"stage": "", "source": "", "location": "", "told_run": None}
    write.execute(versions.update().where(_of(versions, name, version)).values(**emptied))


def was_deleted(read: Read, *, name: str, version: int) -> bool:
    where = _of(versions, name, version) & ~IS_THERE
    return read.execute(sa.select(versions.c.version).where(where)).first() is not None


def deleted_by_request(read: Read, request_id: str) -> str | None:
    """`name:version` of what the request registered, if that was deleted since."""
    where = (versions.c.request_id == request_id) & ~IS_THERE
    row = read.execute(sa.select(versions.c.name, versions.c.version).where(where)).first()
    return f"{row.name}:{row.version}" if row else None


def by_request(read: Read, request_id: str) -> ModelVersion | None:
    return next(iter(_found(read, versions.c.request_id == request_id)), None)


def get(read: Read, name: str, version: int) -> ModelVersion | None:
    return next(iter(_found(read, _of(versions, name, version))), None)


def latest(read: Read, name: str) -> ModelVersion | None:
    where = (versions.c.name == name) & IS_THERE
    found = read.execute(sa.select(sa.func.max(versions.c.version)).where(where)).scalar()
    return None if found is None else get(read, name, int(found))


def search(read: Read, wanted: Search) -> list[ModelVersion]:
    """By name, the latest version first."""
    where: sa.ColumnElement[bool] = sa.true()
    for column, value in (
        (versions.c.name, wanted.name),
        (versions.c.version, wanted.version),
        (versions.c.run_id, wanted.run_id),
        (versions.c.framework, wanted.framework),
    ):
        if value is not None:
            where &= column == value
    for kind, asked in ((TAG, wanted.tags), (PROPERTY, wanted.properties)):
        for label in asked:
            where &= _has(kind, label)
    return _found(read, where)


def _has(kind: str, label: Label) -> sa.ColumnElement[bool]:
    asked = sa.select(labels.c.key).where(
        labels.c.name == versions.c.name,
        labels.c.version == versions.c.version,
        labels.c.kind == kind,
        labels.c.key == label.key,
    )
    return (asked if label.value is None else asked.where(labels.c.value == label.value)).exists()


def _of(table: sa.Table, name: str, version: int) -> sa.ColumnElement[bool]:
    return (table.c.name == name) & (table.c.version == version)


def _found(read: Read, where: sa.ColumnElement[bool], *, with_files: bool = True) -> list[ModelVersion]:
    """By name, the latest version first; four statements however many there are."""
    where &= IS_THERE
    rows = read.execute(versions.select().where(where).order_by(versions.c.name, versions.c.version.desc()))
    chosen = sa.select(versions.c.name, versions.c.version).where(where).subquery()
    kept: dict[tuple[str, int], list[ModelFile]] = defaultdict(list)
    for row in _joined(read, files, chosen, files.c.path) if with_files else ():
        kept[row.name, row.version].append(ModelFile(row.path, row.digest, row.size))
    marks: dict[tuple[str, int, str], dict[str, str]] = defaultdict(dict)
    for row in _joined(read, labels, chosen, labels.c.key):
        marks[row.name, row.version, row.kind][row.key] = row.value
    named: dict[tuple[str, int], list[str]] = defaultdict(list)
    for row in _joined(read, aliases, chosen, aliases.c.alias):
        named[row.name, row.version].append(row.alias)
    return [
        ModelVersion(
            name=row.name,
            version=row.version,
            run_id=row.run_id,
            path=row.path,
            created_at=row.created_at,
            description=row.description,
            tags=marks[row.name, row.version, TAG],
            properties=marks[row.name, row.version, PROPERTY],
            framework=Framework(row.framework, row.framework_version),
            datasets=msgspec.json.decode(row.datasets, type=tuple[tuple[str, str], ...]),
            files=tuple(kept[row.name, row.version]),
            aliases=tuple(named[row.name, row.version]),
            stage=row.stage,
            source=row.source,
            location=row.location,
            told_run=row.told_run,
            changed_at=row.changed_at,
        )
        for row in rows
    ]


def _joined(read: Read, table: sa.Table, chosen: sa.Subquery, order: sa.Column[Any]) -> sa.CursorResult[Any]:
    same = (table.c.name == chosen.c.name) & (table.c.version == chosen.c.version)
    return read.execute(sa.select(table).join(chosen, same).order_by(order))
