"""SQL of file datasets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import sqlalchemy as sa

from faena.data.datasets.schemas import DatasetView, Source, definition_digest
from faena.db import BigInteger, Integer, Read, String, Text, Write, metadata, upsert

datasets = sa.Table(
    "datasets",
    metadata,
    sa.Column("id", String(64), primary_key=True),
    sa.Column("sources", sa.LargeBinary, nullable=False),
    sa.Column("digest", String(64), nullable=False),
    sa.Column("name", String(255)),
    sa.Column("version", Integer),
    sa.Column("description", Text, nullable=False),
    sa.Column("tags", sa.LargeBinary, nullable=False),
    sa.Column("created_at", BigInteger, nullable=False),
    sa.Column("tabular", sa.LargeBinary),
    sa.UniqueConstraint("name", "version"),
)


def add(write: Write, dataset: DatasetView) -> None:
    """Silent when the id is there."""
    values = {
        "id": dataset.id,
        "sources": msgspec.json.encode(dataset.sources),
        "digest": definition_digest(dataset.sources, dataset.tabular),
        "name": dataset.name,
        "version": dataset.version,
        "description": dataset.description,
        "tags": msgspec.json.encode(dataset.tags),
        "created_at": dataset.created_at,
        "tabular": None if dataset.tabular is None else msgspec.json.encode(dataset.tabular),
    }
    upsert(write, datasets, values)


def describe(write: Write, dataset_id: str, description: str, tags: Mapping[str, str]) -> None:
    changed = {"description": description, "tags": msgspec.json.encode(tags)}
    write.execute(datasets.update().where(datasets.c.id == dataset_id).values(**changed))


def forget(write: Write, name: str) -> None:
    write.execute(datasets.update().where(datasets.c.name == name).values(name=None, version=None))


def get(read: Read, dataset_id: str) -> DatasetView | None:
    return _one(read, datasets.c.id == dataset_id)


def version(read: Read, name: str, number: int) -> DatasetView | None:
    return _one(read, (datasets.c.name == name) & (datasets.c.version == number))


def latest(read: Read, name: str) -> DatasetView | None:
    return _one(read, datasets.c.name == name)


def list_latest(read: Read) -> list[DatasetView]:
    """The latest version of each name, by name."""
    newest = (
        sa.select(datasets.c.name, sa.func.max(datasets.c.version).label("version"))
        .where(datasets.c.name.is_not(None))
        .group_by(datasets.c.name)
        .subquery()
    )
    both = (datasets.c.name == newest.c.name) & (datasets.c.version == newest.c.version)
    statement = sa.select(datasets).join(newest, both).order_by(datasets.c.name)
    return [as_dataset(row) for row in read.execute(statement)]


def _one(read: Read, where: sa.ColumnElement[bool]) -> DatasetView | None:
    """The one with the highest version."""
    row = read.execute(datasets.select().where(where).order_by(datasets.c.version.desc()).limit(1)).first()
    return as_dataset(row) if row else None


def as_dataset(row: Any) -> DatasetView:
    return DatasetView(
        id=row.id,
        sources=msgspec.json.decode(row.sources, type=tuple[Source, ...]),
        name=row.name,
        version=row.version,
        description=row.description,
        tags=msgspec.json.decode(row.tags, type=dict[str, str]),
        created_at=row.created_at,
        tabular=None if row.tabular is None else msgspec.json.decode(row.tabular, type=dict[str, Any]),
    )
