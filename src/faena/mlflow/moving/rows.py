"""The rows of a run that comes from MLflow, in one transaction: whole or not at all."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa

from faena.db import Write
from faena.kernel.clock import Micros
from faena.mlflow.moving import standing
from faena.mlflow.moving.schemas import GROWN, NEW
from faena.mlflow.moving.wanted import Wanted
from faena.mlflow.words import PARENT
from faena.models.logged import uses
from faena.objects import store as object_rows
from faena.portable import store as tracked
from faena.runs import external, phase_store, record_store, service, store, transitions, used_datasets
from faena.runs.model import EXTERNAL, Run, RunStatus
from faena.runs.submission_schemas import Submission
from faena.tracking import files as run_files
from faena.tracking import whole_histories
from faena.tracking.model import StoredFile
from faena.tracking.whole_histories import Packed
from faena.workspaces import store as workspaces

_ATTEMPT = 1
_MOST_ABOVE = 1000
"""Runs above a run that are looked at, so that none comes to be above itself."""


class Ready(msgspec.Struct, frozen=True):
    """What is kept. `pack`: the object that has the bytes of its metrics, where they are many."""

    wanted: Wanted
    packed: Packed
    pack: StoredFile | None


def put(write: Write, ready: Ready, source: str, now: Micros, *, again: bool) -> str:
    """Keep a run; `again`: in the place of what was brought of it earlier."""
    given = ready.wanted
    sizes = {file.digest: file.size for file in given.files.values()}
    if ready.pack is not None:
        sizes[ready.pack.digest] = ready.pack.size
    if sizes:
        object_rows.touch(write, sizes, now)
    if again:
        _forget(write, given.id)
        record_store.set_tags(write, given.id, given.tags)
        changes = {"name": given.name, "user": given.user, "description": given.description}
        store.update(write, given.id, {**changes, "started_at": given.started_at})
    else:
        _add(write, given, source)
    _end(write, given)
    if given.params:
        record_store.add_parameters(write, given.id, given.params)
    used_datasets.add(write, given.id, given.datasets)
    uses.add(write, given.id, given.uses)
    whole_histories.keep(write, given.id, _ATTEMPT, ready.packed, ready.pack, now)
    if given.files:
        run_files.put_files(write, given.id, given.files, given.ended_at or given.started_at)
    write.notify(transitions.topic(given.id))
    write.notify(transitions.MOVED)
    return GROWN if again else NEW


def _forget(write: Write, run_id: str) -> None:
    """All that is added anew."""
    tracked.forget_tracked(write, run_id)
    for table in (record_store.tags, record_store.parameters, used_datasets.used, uses.uses):
        write.execute(table.delete().where(table.c.run_id == run_id))


def _add(write: Write, given: Wanted, source: str) -> None:
    """The run as it began."""
    parent = (
        given.parent if given.parent and _is_there(write, given.parent) and given.parent != given.id else None
    )
    run = Run(
        id=given.id,
        experiment=given.experiment,
        number=workspaces.number_of_new_run(write, given.experiment, given.started_at),
        status=RunStatus.RUNNING,
        version=1,
        user=given.user,
        cluster="",
        node_count=1,
        snapshot="",
        submission=msgspec.json.encode(
            Submission(
                experiment=given.experiment,
                snapshot="",
                script="",
                cluster="",
                user=given.user,
                parent=parent,
            )
        ),
        created_at=given.started_at,
        started_at=given.started_at,
        parent=parent,
        type=EXTERNAL,
        name=given.name,
        description=given.description,
        attempt=_ATTEMPT,
    )
    service.add(write, run, given.tags, {standing.IMPORTED: source})
    _adopt(write, run)


def _end(write: Write, given: Wanted) -> None:
    changes: dict[str, object] = {"archived_at": given.archived_at}
    if given.ended_at is not None:
        outcome = external.OUTCOMES[given.status]
        phase_store.end_phase(write, given.id, given.ended_at)
        changes |= {
            "status": given.status.value,
            "reason": outcome.reason.value,
            "message": outcome.message,
            "ended_at": given.ended_at,
            "last_lines": b"[]",
        }
    store.update(write, given.id, changes)


def _is_there(write: Write, run_id: str) -> bool:
    there = store.get(write, run_id)
    return there is not None and there.deletion is None


def _adopt(write: Write, run: Run) -> None:
    """Runs that came before the one above them, as their tags say, are below it now."""
    tags, runs = record_store.tags, store.runs
    waiting = (
        sa.select(runs.c.id)
        .join(tags, tags.c.run_id == runs.c.id)
        .where(
            tags.c.key == PARENT,
            record_store.head(tags.c.value) == run.id[: record_store.HEAD],
            tags.c.value == run.id,
            runs.c.parent.is_(None),
            runs.c.type == EXTERNAL,
        )
    )
    found = set(write.execute(waiting).scalars()) - _above(write, run)
    for run_id in sorted(found):
        store.update(write, run_id, {"parent": run.id})


def _above(write: Write, run: Run) -> set[str]:
    """The run and those above it."""
    seen = {run.id}
    parent = run.parent
    while parent is not None and parent not in seen and len(seen) < _MOST_ABOVE:
        seen.add(parent)
        there = store.get(write, parent)
        parent = there.parent if there else None
    return seen
