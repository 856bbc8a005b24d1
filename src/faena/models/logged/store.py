"""SQL of logged models. What a run logged goes with it when it is removed for good."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from faena.db import BigInteger, Integer, Read, String, Text, Write, metadata, upsert
from faena.models.logged.model import LoggedModel, LoggedStatus, ModelMetric
from faena.models.model import ModelFile
from faena.objects.references import OBJECT
from faena.runs.store import OF_RUN
from faena.workspaces import visibility

models = sa.Table(
    "logged_models",
    metadata,
    sa.Column("id", String(64), primary_key=True),
    sa.Column("experiment_id", Integer, nullable=False),
    sa.Column("run_id", sa.ForeignKey("runs.id"), index=True, info=OF_RUN),
    sa.Column("name", String(255), nullable=False),
    sa.Column("kind", Text, nullable=False),
    sa.Column("status", String(16), nullable=False),
    sa.Column("message", Text, nullable=False),
    sa.Column("created_at", BigInteger, nullable=False),
    sa.Column("changed_at", BigInteger, nullable=False),
    sa.Column("deleted_at", BigInteger),
    sa.Index("logged_models_by_experiment", "experiment_id", "created_at"),
)

labels = sa.Table(
    "logged_model_labels",
    metadata,
    sa.Column("model_id", String(64), primary_key=True),
    sa.Column("kind", String(8), primary_key=True),
    sa.Column("key", String(255), primary_key=True),
    sa.Column("value", Text, nullable=False),
    sa.Column("run_id", sa.ForeignKey("runs.id"), index=True, info=OF_RUN),
)
PARAM, TAG, TOLD = "param", "tag", "told"
_RUN = "run"

files = sa.Table(
    "logged_model_files",
    metadata,
    sa.Column("model_id", String(64), primary_key=True),
    sa.Column("path", Text, primary_key=True),
    sa.Column("digest", sa.ForeignKey("objects.digest"), nullable=False, index=True, info=OBJECT),
    sa.Column("size", BigInteger, nullable=False),
    sa.Column("run_id", sa.ForeignKey("runs.id"), index=True, info=OF_RUN),
)

metrics = sa.Table(
    "logged_model_metrics",
    metadata,
    sa.Column("model_id", String(64), primary_key=True),
    sa.Column("run_id", sa.ForeignKey("runs.id"), primary_key=True, index=True, info=OF_RUN),
    sa.Column("name", String(255), primary_key=True),
    sa.Column("dataset", Text, primary_key=True),
    sa.Column("dataset_digest", String(64), primary_key=True),
    sa.Column("value", sa.Double),
    sa.Column("time", BigInteger, nullable=False),
    sa.Column("step", BigInteger, nullable=False),
)
"""The latest of each."""

_MOST_OF_RUN = 1000
_COLUMNS = tuple(name for name in models.columns.keys() if name not in ("params", "tags"))  # noqa: SIM118  of a table, `in` asks for columns


def add(write: Write, model: LoggedModel) -> None:
    values = {name: getattr(model, name) for name in _COLUMNS}
    write.execute(models.insert().values({**values, "status": model.status.value}))
    set_labels(write, model, PARAM, model.params)
    set_labels(write, model, TAG, model.tags)
    if model.told_run:
        set_labels(write, model, TOLD, {_RUN: model.told_run})


def set_labels(write: Write, model: LoggedModel, kind: str, values: Mapping[str, str]) -> None:
    """Add, or replace those of the same key."""
    rows = [
        {"model_id": model.id, "kind": kind, "key": key, "value": value, "run_id": model.run_id}
        for key, value in values.items()
    ]
    upsert(write, labels, rows, update=["value"])


def remove_tag(write: Write, model_id: str, key: str) -> None:
    mine = (labels.c.model_id == model_id) & (labels.c.kind == TAG) & (labels.c.key == key)
    write.execute(labels.delete().where(mine))


def change(write: Write, model_id: str, changes: Mapping[str, Any]) -> None:
    write.execute(models.update().where(models.c.id == model_id).values(dict(changes)))


def get(read: Read, model_id: str) -> LoggedModel | None:
    """Also one that is deleted."""
    return next(iter(find(read, [models.c.id == model_id], [], 0, 1)), None)


def find(
    read: Read,
    where: Sequence[sa.ColumnElement[bool]],
    order: Sequence[sa.ColumnElement[Any]],
    first: int,
    most: int,
    joins: Sequence[tuple[sa.FromClause, sa.ColumnElement[bool]]] = (),
) -> list[LoggedModel]:
    """So many at most behind the `first` ones. `joins`: tables that the order needs."""
    source: sa.FromClause = models
    for table, on in joins:
        source = source.outerjoin(table, on)
    statement = sa.select(*models.c).select_from(source).where(*where).order_by(*order)
    found = read.execute(statement.offset(first).limit(most))
    rows = [row for row in found if visibility.is_there(read, row.experiment_id)]
    marks = _labels_of(read, [row.id for row in rows])
    return [
        LoggedModel(
            **{
                **{name: getattr(row, name) for name in _COLUMNS},
                "status": LoggedStatus(row.status),
                "params": marks[row.id, PARAM],
                "tags": marks[row.id, TAG],
                "told_run": marks[row.id, TOLD].get(_RUN, ""),
            }
        )
        for row in rows
    ]


def of_run(read: Read, run_id: str) -> list[LoggedModel]:
    """Those that are there, the latest first."""
    where = [models.c.run_id == run_id, models.c.deleted_at.is_(None)]
    return find(read, where, [models.c.created_at.desc(), models.c.id], 0, _MOST_OF_RUN)


def _labels_of(read: Read, ids: Sequence[str]) -> dict[tuple[str, str], dict[str, str]]:
    found: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    for row in read.execute(labels.select().where(labels.c.model_id.in_(ids)).order_by(labels.c.key)):
        found[row.model_id, row.kind][row.key] = row.value
    return found


def put_file(write: Write, model: LoggedModel, file: ModelFile) -> None:
    """Add a file, or replace the one of its path."""
    row = {**msgspec.structs.asdict(file), "model_id": model.id, "run_id": model.run_id}
    upsert(write, files, row, update=["digest", "size"])


def files_of(read: Read, model_id: str) -> list[ModelFile]:
    statement = files.select().where(files.c.model_id == model_id).order_by(files.c.path)
    return [ModelFile(row.path, row.digest, row.size) for row in read.execute(statement)]


def remove_files(write: Write, model_id: str, paths: Iterable[str]) -> None:
    write.execute(files.delete().where(files.c.model_id == model_id, files.c.path.in_(list(paths))))


def put_metrics(write: Write, model_id: str, given: Iterable[ModelMetric]) -> None:
    """Keep the latest of each, by step and then time."""
    for metric in given:
        key = {"model_id": model_id, **{name: getattr(metric, name) for name in _METRIC_KEY}}
        same = sa.and_(*(metrics.c[name] == value for name, value in key.items()))
        there = write.execute(sa.select(metrics.c.step, metrics.c.time).where(same)).first()
        if there is None or (there.step, there.time) <= (metric.step, metric.time):
            values = {"value": metric.value, "time": metric.time, "step": metric.step}
            upsert(write, metrics, {**key, **values}, update=list(values))


_METRIC_KEY = ("run_id", "name", "dataset", "dataset_digest")


def metrics_of(read: Read, ids: Sequence[str]) -> dict[str, list[ModelMetric]]:
    """By model."""
    found: dict[str, list[ModelMetric]] = defaultdict(list)
    statement = metrics.select().where(metrics.c.model_id.in_(ids)).order_by(metrics.c.name)
    for row in read.execute(statement):
        found[row.model_id].append(
            ModelMetric(row.run_id, row.name, row.value, row.time, row.step, row.dataset, row.dataset_digest)
        )
    return found
