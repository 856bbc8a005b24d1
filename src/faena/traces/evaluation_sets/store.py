"""SQL of evaluation sets and their records."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from faena.db import BigInteger, Integer, Read, String, Text, Write, metadata, upsert
from faena.traces.evaluation_sets.model import EvaluationSet, Record
from faena.workspaces import visibility

sets = sa.Table(
    "evaluation_sets",
    metadata,
    sa.Column("id", String(64), primary_key=True),
    sa.Column("name", String(255), nullable=False),
    sa.Column("created_at", BigInteger, nullable=False, index=True),
    sa.Column("changed_at", BigInteger, nullable=False),
    sa.Column("created_by", String(255)),
    sa.Column("changed_by", String(255)),
    sa.Column("fields", Text, nullable=False),
)
tags = sa.Table(
    "evaluation_set_tags",
    metadata,
    sa.Column("set_id", sa.ForeignKey("evaluation_sets.id"), primary_key=True),
    sa.Column("key", String(255), primary_key=True),
    sa.Column("value", Text, nullable=False),
)
experiments = sa.Table(
    "evaluation_set_experiments",
    metadata,
    sa.Column("set_id", sa.ForeignKey("evaluation_sets.id"), primary_key=True),
    sa.Column("experiment_id", Integer, primary_key=True, index=True),
)
records = sa.Table(
    "evaluation_records",
    metadata,
    sa.Column("set_id", sa.ForeignKey("evaluation_sets.id"), primary_key=True),
    sa.Column("key", String(64), primary_key=True),
    sa.Column("id", String(64), nullable=False),
    sa.Column("created_at", BigInteger, nullable=False),
    sa.Column("changed_at", BigInteger, nullable=False),
    sa.Column("created_by", String(255)),
    sa.Column("changed_by", String(255)),
    sa.Column("told", Text, nullable=False),
    sa.Index("evaluation_records_in_order", "set_id", "created_at", "id"),
)
"""`key` is the digest of the inputs; `told` is JSON: inputs, outputs, expectations, tags, source."""

_SET = ("id", "name", "created_at", "changed_at", "created_by", "changed_by")
_RECORD = ("id", "set_id", "created_at", "changed_at", "created_by", "changed_by")
_TOLD = ("inputs", "outputs", "expectations", "tags", "source")
_TOGETHER = 500


def put(write: Write, given: EvaluationSet) -> None:
    """Add, or replace the one of its id; without tags and experiments."""
    row = {**{name: getattr(given, name) for name in _SET}, "fields": _json(given.fields)}
    upsert(write, sets, row, update=[*_SET[1:], "fields"])


def set_tags(write: Write, set_id: str, values: Mapping[str, str]) -> None:
    rows = [{"set_id": set_id, "key": key, "value": value} for key, value in values.items()]
    upsert(write, tags, rows, update=["value"])


def remove_tag(write: Write, set_id: str, key: str) -> None:
    write.execute(tags.delete().where(tags.c.set_id == set_id, tags.c.key == key))


def add_experiments(write: Write, set_id: str, numbers: Sequence[int]) -> None:
    upsert(write, experiments, [{"set_id": set_id, "experiment_id": number} for number in numbers])


def remove_experiments(write: Write, set_id: str, numbers: Sequence[int]) -> None:
    mine = experiments.c.set_id == set_id
    write.execute(experiments.delete().where(mine, experiments.c.experiment_id.in_(numbers)))


def find(
    read: Read,
    where: Sequence[sa.ColumnElement[bool]],
    order: Sequence[sa.ColumnElement[Any]],
    first: int,
    most: int,
) -> list[EvaluationSet]:
    """So many at most behind the `first` ones."""
    rows = read.execute(sets.select().where(*where).order_by(*order).offset(first).limit(most)).all()
    marks: dict[str, dict[str, str]] = defaultdict(dict)
    of: dict[str, list[int]] = defaultdict(list)
    sizes: dict[str, int] = {}
    for start in range(0, len(rows), _TOGETHER):
        ids = [row.id for row in rows[start : start + _TOGETHER]]
        for row in read.execute(tags.select().where(tags.c.set_id.in_(ids)).order_by(tags.c.key)):
            marks[row.set_id][row.key] = row.value
        for row in read.execute(experiments.select().where(experiments.c.set_id.in_(ids))):
            of[row.set_id].append(row.experiment_id)
        counted = sa.select(records.c.set_id, sa.func.count().label("size")).where(records.c.set_id.in_(ids))
        sizes.update((row.set_id, row.size) for row in read.execute(counted.group_by(records.c.set_id)))
    there = [row for row in rows if all(visibility.is_there(read, number) for number in of[row.id])]
    return [
        EvaluationSet(
            **{name: getattr(row, name) for name in _SET},
            fields=msgspec.json.decode(row.fields),
            tags=marks[row.id],
            experiment_ids=sorted(of[row.id]),
            size=sizes.get(row.id, 0),
        )
        for row in there
    ]


def delete(write: Write, set_id: str) -> None:
    for table in (tags, experiments, records):
        write.execute(table.delete().where(table.c.set_id == set_id))
    write.execute(sets.delete().where(sets.c.id == set_id))


def put_records(write: Write, given: Mapping[str, Record]) -> None:
    """By the keys of their inputs: add, or replace those of the same key."""
    rows = [
        {
            **{name: getattr(record, name) for name in _RECORD},
            "key": key,
            "told": _json({name: getattr(record, name) for name in _TOLD}),
        }
        for key, record in given.items()
    ]
    upsert(write, records, rows, update=["changed_at", "changed_by", "told"])


def records_of_keys(read: Read, set_id: str, keys: Sequence[str]) -> dict[str, Record]:
    found: dict[str, Record] = {}
    for start in range(0, len(keys), _TOGETHER):
        chosen = records.c.key.in_(keys[start : start + _TOGETHER])
        rows = read.execute(records.select().where(records.c.set_id == set_id, chosen))
        found |= {row.key: _record(row) for row in rows}
    return found


def records_in_order(read: Read, set_id: str, first: int, most: int) -> list[Record]:
    """As they came, so many at most behind the `first` ones."""
    wanted = records.select().where(records.c.set_id == set_id)
    ordered = wanted.order_by(records.c.created_at, records.c.id).offset(first).limit(most)
    return [_record(row) for row in read.execute(ordered)]


def delete_records(write: Write, set_id: str, ids: Sequence[str]) -> int:
    """How many there were."""
    gone = 0
    for start in range(0, len(ids), _TOGETHER):
        chosen = records.c.id.in_(ids[start : start + _TOGETHER])
        gone += write.execute(records.delete().where(records.c.set_id == set_id, chosen)).rowcount
    return gone


def _record(row: Any) -> Record:
    return Record(**{name: getattr(row, name) for name in _RECORD}, **msgspec.json.decode(row.told))


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
