"""SQL of what is noted of runs: tags, properties, parameters, notes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import sqlalchemy as sa

from faena.db import Read, String, Text, Write, lists, metadata, upsert
from faena.db.prepared import Prepared
from faena.runs.parameters import number
from faena.runs.store import OF_RUN

HEAD = 100
"""Characters of a tag's or property's value that are indexed: a database takes no index of values of any length."""


def head(value: sa.ColumnElement[str]) -> sa.ColumnElement[str]:
    """The part of a value that is indexed; the number is spelled out, as in the index, so that it is used."""
    return sa.func.substr(value, sa.literal_column("1"), sa.literal_column(str(HEAD)), type_=Text())


tags = sa.Table(
    "run_tags",
    metadata,
    sa.Column("run_id", sa.ForeignKey("runs.id"), primary_key=True, info=OF_RUN),
    sa.Column("key", String(255), primary_key=True),
    sa.Column("value", Text, nullable=False),
)

properties = sa.Table(
    "run_properties",
    metadata,
    sa.Column("run_id", sa.ForeignKey("runs.id"), primary_key=True, info=OF_RUN),
    sa.Column("key", String(255), primary_key=True),
    sa.Column("value", Text, nullable=False),
)

sa.Index("run_tags_by_value", tags.c.key, head(tags.c.value))
sa.Index("run_properties_by_value", properties.c.key, head(properties.c.value))

parameters = sa.Table(
    "run_parameters",
    metadata,
    sa.Column("run_id", sa.ForeignKey("runs.id"), primary_key=True, info=OF_RUN),
    sa.Column("name", String(255), primary_key=True),
    sa.Column("value", Text, nullable=False),
    sa.Column("number", sa.Double),
)
"""`number`: the value, where it is one."""

sa.Index("run_parameters_by_value", parameters.c.name, head(parameters.c.value))
sa.Index("run_parameters_by_number", parameters.c.name, parameters.c.number)

notes = sa.Table(
    "run_notes",
    metadata,
    sa.Column("run_id", sa.ForeignKey("runs.id"), primary_key=True, info=OF_RUN),
    sa.Column("code", String(64), primary_key=True),
    sa.Column("message", Text, nullable=False),
)

# Statements of every run's way are built once: to build one costs as much as to execute it.
_LONGEST_NOTE = 4000
_run: sa.BindParameter[str] = sa.bindparam("run")
_TAGS = Prepared(tags.select().where(tags.c.run_id == _run).order_by(tags.c.key))
_TAG_KEYS = Prepared(sa.select(tags.c.key).where(tags.c.run_id == _run))
_PROPERTIES = Prepared(properties.select().where(properties.c.run_id == _run).order_by(properties.c.key))
_TAGS_OF_RUNS = lists.prepared_for(
    lambda run_ids: tags.select().where(tags.c.run_id.in_(run_ids)).order_by(tags.c.run_id, tags.c.key)
)
_ADD_PARAMETERS = Prepared(parameters.insert())
_PARAMETERS_OF_RUNS = lists.prepared_for(
    lambda run_ids: (
        sa.select(parameters.c.run_id, parameters.c.name, parameters.c.value)
        .where(parameters.c.run_id.in_(run_ids))
        .order_by(parameters.c.run_id, parameters.c.name)
    )
)
_REMOVE_TAG = Prepared(tags.delete().where(tags.c.run_id == _run, tags.c.key == sa.bindparam("of_key")))
_NOTES = Prepared(notes.select().where(notes.c.run_id == _run).order_by(notes.c.code))


def set_tags(write: Write, run_id: str, values: Mapping[str, str]) -> None:
    rows = [{"run_id": run_id, "key": key, "value": value} for key, value in values.items()]
    upsert(write, tags, rows, update=["value"])


def tag_keys(read: Read, run_id: str) -> set[str]:
    return set(read.execute(_TAG_KEYS, {"run": run_id}).scalars())


def remove_tags(write: Write, run_id: str, keys: Iterable[str]) -> None:
    write.execute(_REMOVE_TAG, [{"run": run_id, "of_key": key} for key in keys])


def tags_of(read: Read, run_id: str) -> dict[str, str]:
    return {row.key: row.value for row in read.execute(_TAGS, {"run": run_id})}


def list_tags(read: Read, run_ids: list[str]) -> dict[str, dict[str, str]]:
    return ask_tags(read, run_ids)()


def ask_tags(read: Read, run_ids: list[str]) -> Callable[[], dict[str, dict[str, str]]]:
    """To be read later: see `Read.ask`."""
    return partial(_by_run, run_ids, lists.ask(read, _TAGS_OF_RUNS, run_ids))


def _by_run(run_ids: Iterable[str], rows: Iterable[Any]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {run_id: {} for run_id in run_ids}
    for run_id, key, value in rows:
        found[run_id][key] = value
    return found


def add_properties(write: Write, run_id: str, values: Mapping[str, str]) -> None:
    """Properties never change: one that is there already stays as it is."""
    rows = [{"run_id": run_id, "key": key, "value": value} for key, value in values.items()]
    upsert(write, properties, rows)


def add_parameters(write: Write, run_id: str, values: Mapping[str, str]) -> None:
    rows = [
        {"run_id": run_id, "name": name, "value": value, "number": number(value)}
        for name, value in values.items()
    ]
    write.execute(_ADD_PARAMETERS, rows)


def list_parameters(read: Read, run_ids: list[str]) -> dict[str, dict[str, str]]:
    return ask_parameters(read, run_ids)()


def ask_parameters(read: Read, run_ids: list[str]) -> Callable[[], dict[str, dict[str, str]]]:
    """To be read later: see `Read.ask`."""
    return partial(_by_run, run_ids, lists.ask(read, _PARAMETERS_OF_RUNS, run_ids))


def list_properties(read: Read, run_id: str) -> dict[str, str]:
    return {row.key: row.value for row in read.execute(_PROPERTIES, {"run": run_id})}


def property_of(read: Read, run_ids: Sequence[str], key: str) -> dict[str, str]:
    """Its value, of the runs that have it."""
    query = sa.select(properties.c.run_id, properties.c.value)
    found = read.execute(query.where(properties.c.run_id.in_(run_ids), properties.c.key == key))
    return {row.run_id: row.value for row in found}


def add_note(write: Write, run_id: str, code: str, message: str, *, about: str = "") -> None:
    """The first note of a code stays; with `about` it is one of several messages, and replaces that which began so."""
    key = {"run_id": run_id, "code": code}
    if not about:
        upsert(write, notes, {**key, "message": message})
        return
    there = dict(list_notes(write, run_id)).get(code, "")
    others = [line for line in there.splitlines() if line and not line.startswith(about)]
    lines = "\n".join([*others, message])[:_LONGEST_NOTE]
    upsert(write, notes, {**key, "message": lines}, update=["message"])


def forget_notes(write: Write, code: str) -> None:
    """Of all runs."""
    write.execute(notes.delete().where(notes.c.code == code))


def list_notes(read: Read, run_id: str) -> list[tuple[str, str]]:
    return [(row.code, row.message) for row in read.execute(_NOTES, {"run": run_id})]
