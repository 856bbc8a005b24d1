"""Finds runs: what a list asks for, and the SQL that answers it, newest first and in pages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec
import sqlalchemy as sa

from faena.db import Read
from faena.kernel.clock import Micros
from faena.kernel.errors import UserErrorException
from faena.runs import store
from faena.runs.model import CANCEL_REQUESTED, Run, RunStatus
from faena.runs.store import runs

_STATES = (*(status.value for status in RunStatus), CANCEL_REQUESTED)
_NEVER = ("Provisioning", "NotResponding", "Unapproved", "Pausing", "Paused")
"""States of v1 that no run here is ever in: asking for them finds nothing."""

Marks = Mapping[str, str | None]
"""Tags or properties that a run must have; None: whatever the value."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the runs of a list have in common. None: anything."""

    experiment: str | None = None
    status: str | None = None
    """As it is shown: a run that is being canceled is CancelRequested and nothing else."""
    type: str | None = None
    tags: Marks = field(default_factory=dict)
    properties: Marks = field(default_factory=dict)
    parent: str | None = None
    """Children of this run only."""
    recursive: bool = False
    """With `parent`: their children too, and so on."""
    include_children: bool = True
    """False: only runs that have no parent. Has no meaning with `parent`."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a list goes on: behind the run `id`, created at `before`. Without an id, behind that microsecond."""

    before: Micros
    id: str = ""


def parse_marks(text: str | None, what: str) -> Marks:
    """Tags or properties from JSON, `{"key": "value"}` or `{"key": null}`. Raises UserErrorException."""
    try:
        return msgspec.json.decode(text or "{}", type=dict[str, str | None])
    except msgspec.DecodeError as error:
        raise UserErrorException(
            f"{what}={(text or '')[:80]!r} cannot be read: {error}. Use a JSON object of values by key, null for any."
        ) from error


def newest(read: Read, wanted: Wanted, cursor: Cursor | None, limit: int) -> list[Run]:
    """`limit` runs at most. Raises UserErrorException for a state that there is not."""
    statement = runs.select().order_by(runs.c.created_at.desc(), runs.c.id.desc()).limit(limit)
    for condition in _conditions(wanted):
        statement = statement.where(condition)
    if cursor is not None:
        # two runs of one microsecond are told apart by their ids, so that a page ends between them if it must
        statement = statement.where(sa.tuple_(runs.c.created_at, runs.c.id) < (cursor.before, cursor.id))
    return [store.as_run(row) for row in read.execute(statement)]


def descendants(read: Read, run_id: str, type: str | None = None) -> list[Run]:  # noqa: A002  v1's word
    """Children of the run, their children and so on, oldest first; of one type only when given."""
    statement = runs.select().where(runs.c.id.in_(_below(run_id))).order_by(runs.c.created_at, runs.c.id)
    if type is not None:
        statement = statement.where(runs.c.type == type)
    return [store.as_run(row) for row in read.execute(statement)]


def _conditions(wanted: Wanted) -> list[sa.ColumnElement[bool]]:
    found: list[sa.ColumnElement[bool]] = []
    if wanted.experiment is not None:
        found.append(runs.c.experiment == wanted.experiment)
    if wanted.status is not None:
        found.append(_shown_as(wanted.status))
    if wanted.type is not None:
        found.append(runs.c.type == wanted.type)
    if wanted.parent is not None:
        below = runs.c.id.in_(_below(wanted.parent))
        found.append(below if wanted.recursive else runs.c.parent == wanted.parent)
    elif not wanted.include_children:
        found.append(runs.c.parent.is_(None))
    found += [_has(store.tags, key, value) for key, value in wanted.tags.items()]
    found += [_has(store.properties, key, value) for key, value in wanted.properties.items()]
    return found


def _shown_as(status: str) -> sa.ColumnElement[bool]:
    if status not in _STATES and status not in _NEVER:
        raise UserErrorException(f"{status[:80]!r} is not a state of a run. Use one of {', '.join(_STATES)}.")
    canceling = runs.c.cancel_requested_at.is_not(None) & runs.c.ended_at.is_(None)
    return canceling if status == CANCEL_REQUESTED else (runs.c.status == status) & ~canceling


def _has(table: sa.Table, key: str, value: str | None) -> sa.ColumnElement[bool]:
    condition = table.c.key == key
    if value is not None:
        # the index holds the beginning of each value: the rest, of any length, is compared row by row
        condition &= (store.head(table.c.value) == value[: store.HEAD]) & (table.c.value == value)
    return runs.c.id.in_(sa.select(table.c.run_id).where(condition))


def _below(run_id: str) -> sa.Select[tuple[str]]:
    tree = sa.select(runs.c.id).where(runs.c.parent == run_id).cte("below", recursive=True)
    tree = tree.union(sa.select(runs.c.id).where(runs.c.parent == tree.c.id))
    return sa.select(tree.c.id)
