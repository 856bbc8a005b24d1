"""SQL of the model registry."""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa

from faena.db import Read, Write, metadata
from faena.models.model import ModelFile, ModelVersion

versions = sa.Table(
    "model_versions",
    metadata,
    sa.Column("name", sa.String(255), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("request_id", sa.String(64), nullable=False, unique=True),
    sa.Column("run_id", sa.ForeignKey("runs.id"), nullable=False, index=True),
    sa.Column("run_path", sa.Text, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("tags", sa.LargeBinary, nullable=False),
    sa.Column("properties", sa.LargeBinary, nullable=False),
)

files = sa.Table(
    "model_files",
    metadata,
    sa.Column("name", sa.String(255), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("path", sa.Text, primary_key=True),
    sa.Column("digest", sa.ForeignKey("objects.digest"), nullable=False, index=True),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.ForeignKeyConstraint(["name", "version"], ["model_versions.name", "model_versions.version"]),
)


def next_version(read: Read, name: str) -> int:
    found = read.execute(sa.select(sa.func.max(versions.c.version)).where(versions.c.name == name)).scalar()
    return int(found or 0) + 1


def add(write: Write, model: ModelVersion, request_id: str) -> None:
    write.execute(
        versions.insert().values(
            name=model.name,
            version=model.version,
            request_id=request_id,
            run_id=model.run_id,
            run_path=model.run_path,
            created_at=model.created_at,
            description=model.description,
            tags=msgspec.json.encode(model.tags),
            properties=msgspec.json.encode(model.properties),
        )
    )
    rows = [
        {"name": model.name, "version": model.version, "path": f.path, "digest": f.digest, "size": f.size}
        for f in model.files
    ]
    write.execute(files.insert(), rows)


def by_request(read: Read, request_id: str) -> ModelVersion | None:
    return _one(read, versions.c.request_id == request_id)


def get(read: Read, name: str, version: int) -> ModelVersion | None:
    return _one(read, (versions.c.name == name) & (versions.c.version == version))


def latest(read: Read, name: str) -> ModelVersion | None:
    return get(read, name, next_version(read, name) - 1)


def newest(read: Read, *, name: str | None, run_id: str | None) -> list[ModelVersion]:
    """By name, the latest version first."""
    statement = versions.select().order_by(versions.c.name, versions.c.version.desc())
    if name is not None:
        statement = statement.where(versions.c.name == name)
    if run_id is not None:
        statement = statement.where(versions.c.run_id == run_id)
    return [_version(read, row) for row in read.execute(statement).all()]


def _one(read: Read, where: sa.ColumnElement[bool]) -> ModelVersion | None:
    row = read.execute(versions.select().where(where)).first()
    return _version(read, row) if row else None


def _version(read: Read, row: Any) -> ModelVersion:
    where = (files.c.name == row.name) & (files.c.version == row.version)
    found = read.execute(files.select().where(where).order_by(files.c.path))
    return ModelVersion(
        name=row.name,
        version=row.version,
        run_id=row.run_id,
        run_path=row.run_path,
        created_at=row.created_at,
        description=row.description,
        tags=msgspec.json.decode(row.tags, type=dict[str, str]),
        properties=msgspec.json.decode(row.properties, type=dict[str, str]),
        files=tuple(ModelFile(file.path, file.digest, file.size) for file in found),
    )
