"""Deletions: what is marked as gone, so that it can be brought back until it is collected."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from faena.db import BigInteger, Integer, Read, String, Text, Write, metadata
from faena.kernel.clock import Micros
from faena.models.name_store import names
from faena.models.store import versions
from faena.runs.store import runs
from faena.tidying.model import Deletion
from faena.tracking.model import LOG
from faena.tracking.store.files import run_files
from faena.tracking.store.streams import streams

deletions = sa.Table(
    "deletions",
    metadata,
    sa.Column("id", Integer, primary_key=True),
    sa.Column("at", BigInteger, nullable=False),
    sa.Column("user", String(255), nullable=False),
    sa.Column("what", Text, nullable=False),
    sa.Column("size", BigInteger, nullable=False),
    sqlite_autoincrement=True,
)
"""`what`: for people. `size`: bytes that collecting it frees, as far as was known then."""

MARKED = (runs, run_files, streams, versions, names)
"""Tables whose rows a deletion marks."""

_TOGETHER = 500


def add(write: Write, at: Micros, user: str) -> int:
    """The number of a new deletion; one that was undone or collected never lends its number again."""
    made = write.execute(deletions.insert().values(at=at, user=user, what="", size=0))
    assert made.inserted_primary_key is not None
    number: int = made.inserted_primary_key[0]
    return number


def describe(write: Write, number: int, what: str, size: int) -> None:
    write.execute(deletions.update().where(deletions.c.id == number).values(what=what, size=size))


def forget(write: Write, number: int) -> None:
    write.execute(deletions.delete().where(deletions.c.id == number))


def listed(read: Read, before: Micros | None = None) -> list[Deletion]:
    """Those that can be undone, the newest first; those made before a time only, where one is given."""
    query = sa.select(deletions).order_by(deletions.c.id.desc())
    if before is not None:
        query = query.where(deletions.c.at <= before)
    return [Deletion(row.id, row.at, row.user, row.what, row.size) for row in read.execute(query)]


def close(write: Write, before: Micros) -> list[Deletion]:
    """Those made by that time can no longer be undone; what they mark is there to be removed."""
    found = listed(write, before)
    write.execute(deletions.delete().where(deletions.c.at <= before))
    return found


def closed(read: Read) -> list[int]:
    """Numbers of deletions that can no longer be undone and still mark something."""
    marked = sa.union(
        *(sa.select(table.c.deletion).where(table.c.deletion.is_not(None)) for table in MARKED)
    ).subquery()
    query = sa.select(marked.c.deletion).where(marked.c.deletion.not_in(sa.select(deletions.c.id)))
    return list(read.execute(query).scalars())


def get(read: Read, number: int) -> Deletion | None:
    return next((each for each in listed(read) if each.id == number), None)


def with_descendants(read: Read, run_ids: Collection[str]) -> list[str]:
    """These runs and all below them that are there, each once."""
    found: dict[str, None] = {}
    level = list(run_ids)
    while level:
        found |= dict.fromkeys(level)
        below: list[str] = []
        for part in _parts(level):
            statement = sa.select(runs.c.id).where(runs.c.parent.in_(part), runs.c.deletion.is_(None))
            below += read.execute(statement).scalars()
        level = [run_id for run_id in below if run_id not in found]
    return list(found)


def mark_runs(write: Write, number: int, run_ids: Collection[str]) -> int:
    return _mark(write, number, runs, runs.c.id, run_ids)


def mark_outputs(write: Write, number: int, run_ids: Collection[str]) -> int:
    """Files of these runs that are no logs; how many there were."""
    return _mark(write, number, run_files, run_files.c.run_id, run_ids, ~_is_log(run_files.c.name))


def mark_logs(write: Write, number: int, run_ids: Collection[str]) -> int:
    files = _mark(write, number, run_files, run_files.c.run_id, run_ids, _is_log(run_files.c.name))
    is_log = streams.c.stream.startswith(LOG, autoescape=True)
    return files + _mark(write, number, streams, streams.c.run_id, run_ids, is_log)


def mark_models(write: Write, number: int, models: Sequence[tuple[str, int]]) -> int:
    count = 0
    for name, version in models:
        chosen = (versions.c.name == name) & (versions.c.version == version) & versions.c.deletion.is_(None)
        count += write.execute(versions.update().where(chosen).values(deletion=number)).rowcount
    return count


def mark_names(write: Write, number: int, models: Collection[str]) -> int:
    """Models themselves, with what belongs to none of their versions."""
    return _mark(write, number, names, names.c.name, models)


def unmark(write: Write, number: int) -> None:
    for table in MARKED:
        write.execute(table.update().where(table.c.deletion == number).values(deletion=None))


def _mark(
    write: Write,
    number: int,
    table: sa.Table,
    key: sa.ColumnElement[Any],
    keys: Collection[Any],
    *conditions: sa.ColumnElement[bool],
) -> int:
    count = 0
    for part in _parts(keys):
        chosen = table.update().where(key.in_(part), table.c.deletion.is_(None), *conditions)
        count += write.execute(chosen.values(deletion=number)).rowcount
    return count


def _is_log(name: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    return name.startswith("logs/", autoescape=True)


def _parts(values: Collection[Any]) -> Iterator[list[Any]]:
    listed = list(values)
    for start in range(0, len(listed), _TOGETHER):
        yield listed[start : start + _TOGETHER]
