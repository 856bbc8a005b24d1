"""What the runs of a list have in common, as SQL; and the runs below a run."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import sqlalchemy as sa
from msgspec import Struct, field

from faena.db import Read, by_no_index
from faena.kernel import experiment_names
from faena.kernel.errors import UserErrorException
from faena.runs import record_store, store
from faena.runs.model import CANCEL_REQUESTED, NOT_RESPONDING, Run, RunStatus
from faena.runs.store import runs
from faena.workspaces.store import experiments

_STATES = (*(status.value for status in RunStatus), CANCEL_REQUESTED, NOT_RESPONDING)
_NEVER = ("Provisioning", "Unapproved", "Pausing", "Paused")
"""States of v1 that no run here is ever in: asking for them finds nothing."""

_LAST_LETTER = "\U0010ffff"

Marks = Mapping[str, str | None]
"""Tags or properties that a run must have; None: whatever the value."""


class Wanted(Struct, frozen=True):
    """What the runs of a list have in common. None: anything."""

    experiment: str | None = None
    status: str | None = None
    """As it is shown: a run that is being canceled is CancelRequested and nothing else."""
    type: str | None = None
    tags: Marks = field(default_factory=dict)
    properties: Marks = field(default_factory=dict)
    prefix: str | None = None
    """What the run's id begins with."""
    parent: str | None = None
    """Children of this run only."""
    recursive: bool = False
    """With `parent`: their children too, and so on."""
    include_children: bool = True
    """False: only runs that have no parent. Has no meaning with `parent`."""
    include_archived: bool = True
    """False: only runs that are not archived, nor of an archived experiment."""


def parse_marks(text: str | None, what: str) -> Marks:
    """Tags or properties from JSON, `{"key": "value"}` or `{"key": null}`. Raises UserErrorException."""
    try:
        return msgspec.json.decode(text or "{}", type=dict[str, str | None])
    except msgspec.DecodeError as error:
        raise UserErrorException(
            f"{what}={(text or '')[:80]!r} cannot be read: {error}. Use a JSON object of values by key, null for any."
        ) from error


def descendants(read: Read, run_id: str, type: str | None = None) -> list[Run]:  # noqa: A002  v1's word
    """Children of the run, their children and so on, oldest first; of one type only when given."""
    statement = runs.select().where(runs.c.id.in_(below_it(run_id))).order_by(runs.c.created_at, runs.c.id)
    if type is not None:
        statement = statement.where(runs.c.type == type)
    return store.without_hidden(read, [store.as_run(row) for row in read.execute(statement)])


def children_of(read: Read, run_id: str, start: int, most: int) -> tuple[list[tuple[Run, int]], int]:
    """From the place `start` on, the oldest first, each with how many it has itself; and how many more come after."""
    mine = (runs.c.parent == run_id) & runs.c.deletion.is_(None)
    ordered = runs.select().where(mine).order_by(runs.c.created_at, runs.c.id)
    rows = read.execute(ordered.offset(start).limit(most))
    found = store.without_hidden(read, [store.as_run(row) for row in rows])
    total = int(read.execute(sa.select(sa.func.count()).select_from(runs).where(mine)).scalar_one())
    theirs = runs.c.parent.in_([each.id for each in found]) & runs.c.deletion.is_(None)
    counted = sa.select(runs.c.parent, sa.func.count().label("below")).where(theirs).group_by(runs.c.parent)
    below: dict[str, int] = {row.parent: row.below for row in read.execute(counted)}
    return [(each, below.get(each.id, 0)) for each in found], max(0, total - start - len(found))


def having(
    run_id: sa.ColumnElement[str], test: sa.ColumnElement[bool], *, probing: bool
) -> sa.ColumnElement[bool]:
    """Runs for which there is a row with this `run_id` that passes the test.

    `probing`: looked for run by run, best where few runs are looked at; else all such runs are found first.
    """
    if probing:
        return sa.exists().where(run_id == runs.c.id, test)
    return runs.c.id.in_(sa.select(run_id).where(test))


def conditions(wanted: Wanted, *, probing: bool = False) -> list[sa.ColumnElement[bool]]:
    """Raises UserErrorException for a state that there is not. `probing`: see `having`."""
    found: list[sa.ColumnElement[bool]] = [runs.c.deletion.is_(None)]
    if not wanted.include_archived:
        hidden = sa.select(experiments.c.name).where(experiments.c.archived_at.is_not(None))
        found += [runs.c.archived_at.is_(None), runs.c.experiment.not_in(hidden)]
    if wanted.experiment is not None:
        found.append(runs.c.experiment == experiment_names.normal(wanted.experiment))
    if wanted.prefix is not None:
        found.append(runs.c.id.between(wanted.prefix, wanted.prefix + _LAST_LETTER))
    if wanted.status is not None:
        found.append(_shown_as(wanted.status))
    if wanted.type is not None:
        found.append(runs.c.type == wanted.type)
    if wanted.parent is not None:
        below = runs.c.id.in_(below_it(wanted.parent))
        found.append(below if wanted.recursive else runs.c.parent == wanted.parent)
    elif not wanted.include_children:
        # nearly all runs have no parent: the database is kept from the index by parent, which would find and then sort
        # them all, so that it reads them in order of time and stops at a page
        found.append(by_no_index(runs.c.parent).is_(None))
    for table, marks in ((record_store.tags, wanted.tags), (record_store.properties, wanted.properties)):
        found += [_has(table, key, value, probing=probing) for key, value in marks.items()]
    return found


def _shown_as(status: str) -> sa.ColumnElement[bool]:
    if status not in _STATES and status not in _NEVER:
        raise UserErrorException(f"{status[:80]!r} is not a state of a run. Use one of {', '.join(_STATES)}.")
    canceling = runs.c.cancel_requested_at.is_not(None) & runs.c.ended_at.is_(None)
    silent = runs.c.silent_since.is_not(None) & runs.c.ended_at.is_(None)
    if status == CANCEL_REQUESTED:
        return canceling
    if status == NOT_RESPONDING:
        return silent & ~canceling
    return (runs.c.status == status) & ~canceling & ~silent


def _has(table: sa.Table, key: str, value: str | None, *, probing: bool) -> sa.ColumnElement[bool]:
    marks = table.alias()
    condition = marks.c.key == key
    if value is not None:
        # the index holds the beginning of each value: the rest, of any length, is compared row by row, and not as the
        # column itself, in whose place SQLite would put the value in the index's expression, too, and know it no more
        head = record_store.head(marks.c.value) == value[: record_store.HEAD]
        condition &= head & (marks.c.value.concat("") == value)
    return having(marks.c.run_id, condition, probing=probing)


def below_it(run_id: str | sa.BindParameter[str]) -> sa.Select[tuple[str]]:
    """The ids of all runs below this one, itself aside."""
    there = runs.c.deletion.is_(None)
    tree = sa.select(runs.c.id).where(runs.c.parent == run_id, there).cte("below", recursive=True)
    tree = tree.union(sa.select(runs.c.id).where(runs.c.parent == tree.c.id, there))
    return sa.select(tree.c.id)
