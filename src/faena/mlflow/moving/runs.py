"""Runs that come from MLflow: each is kept in one transaction, and compared once it is here.

All of it blocks: for a thread of its own. Points are packed and brought to the disk outside any transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import msgspec
import sqlalchemy as sa

from faena.db import Database, Read, Write
from faena.kernel import digests
from faena.kernel.clock import Micros
from faena.kernel.errors import (
    FaenaError,
    NotFound,
    ObjectDamaged,
    StorageFull,
    WorkspaceException,
    WriterStopped,
)
from faena.mlflow.moving import rows, standing, wanted
from faena.mlflow.moving.rows import Ready
from faena.mlflow.moving.schemas import CHANGED, GROWN, HERE, NEW, REFUSED, TAKEN, RunGiven, Taken
from faena.mlflow.moving.wanted import Wanted
from faena.objects.contract import ObjectFiles
from faena.tracking import whole_histories
from faena.tracking.model import StoredFile

_FATAL = (StorageFull, WriterStopped, WorkspaceException)
"""What is no matter of one run."""


def take(
    database: Database,
    objects: ObjectFiles,
    given: Sequence[RunGiven],
    source: str,
    now: Micros,
    *,
    look: bool,
) -> list[Taken]:
    """What became of each, in their order. One that is wrong stops none of the others.

    `look`: nothing is changed. Raises StorageFull and what else concerns all of them.
    """
    answers: list[Taken | None] = [None] * len(given)
    wanted_ones: dict[int, Wanted] = {}
    for place, each in enumerate(given):
        try:
            wanted_ones[place] = made = wanted.of(objects, each, now)
            for file in () if look else made.files.values():
                objects.check(file.digest)
            answers[place] = database.submit_read(partial(_here, objects=objects, wanted=made)).result()
        except _FATAL:
            raise
        except (FaenaError, ValueError, OverflowError) as error:
            answers[place] = Taken(each.id, REFUSED, [_said(error)])
    new = {
        place: made
        for place, made in wanted_ones.items()
        if (found := answers[place]) is None or _grows(found)
    }
    if look:
        for place, made in new.items():
            answers[place] = answers[place] or _counted(made, NEW)
    else:
        for place, answer in _keep(database, objects, new, source, now).items():
            answers[place] = answer
    return [answer for answer in answers if answer is not None]


def _here(read: Read, objects: ObjectFiles, wanted: Wanted) -> Taken | None:
    """Of a run whose id is in use; None: it is not."""
    there = standing.run(read, wanted.id)
    if there is None:
        return None
    if there.deletion is not None:
        undo = f"`faena undelete {there.deletion}` brings it back"
        return Taken(wanted.id, TAKEN, [f"a run of this id was deleted here: {undo}"])
    found = standing.differences(read, objects, wanted)
    if not found:
        return _counted(wanted, HERE)
    if not standing.was_imported(read, wanted.id):
        outcome = TAKEN
    elif standing.is_part(read, objects, wanted):
        return _counted(wanted, GROWN)
    else:
        outcome = CHANGED
    return Taken(wanted.id, outcome, [f"it differs in {', '.join(found)[:1000]}"])


def _grows(found: Taken) -> bool:
    return found.outcome == GROWN


def _counted(wanted: Wanted, outcome: str) -> Taken:
    return Taken(
        wanted.id,
        outcome,
        wanted.notes,
        points=sum(len(each) for each in wanted.points.values()),
        files=len(wanted.files),
        size=sum(file.size for file in wanted.files.values()),
    )


def _keep(
    database: Database, objects: ObjectFiles, new: dict[int, Wanted], source: str, now: Micros
) -> dict[int, Taken]:
    packed = {place: whole_histories.packed(each.points) for place, each in new.items()}
    data = {place: each.data for place, each in packed.items() if each.data is not None}
    sizes = objects.put_all(data.values())
    digests_of = {place: digests.of_bytes(each) for place, each in data.items()}
    packs = {place: StoredFile(digest, sizes[digest]) for place, digest in digests_of.items()}
    kept = {
        place: database.submit_write(
            partial(
                _put,
                objects=objects,
                ready=Ready(each, packed[place], packs.get(place)),
                source=source,
                now=now,
            )
        )
        for place, each in new.items()
    }  # together, so that they share commits
    answers: dict[int, Taken] = {}
    for place, future in kept.items():
        each = new[place]
        try:
            if (outcome := future.result()) is None:  # somebody else brought it meanwhile
                there = database.submit_read(partial(_here, objects=objects, wanted=each)).result()
                answers[place] = there or Taken(each.id, REFUSED, ["it came and went meanwhile: try again"])
                continue
            differ = database.submit_read(
                partial(standing.differences, objects=objects, wanted=each)
            ).result()
        except _FATAL:
            raise
        except (FaenaError, sa.exc.SQLAlchemyError, ValueError, OverflowError) as error:
            answers[place] = Taken(each.id, REFUSED, [_said(error)])
            continue
        answer = _counted(each, outcome)
        if differ:  # never seen; said rather than passed over
            notes = [*answer.notes, f"what was kept differs in {', '.join(differ)[:1000]}"]
            answer = msgspec.structs.replace(answer, outcome=CHANGED, notes=notes)
        answers[place] = answer
    return answers


def _put(write: Write, objects: ObjectFiles, ready: Ready, source: str, now: Micros) -> str | None:
    """What became of it; None where a run of this id is here, and is no part of what it is to be."""
    found = _here(write, objects, ready.wanted)
    if found is not None and not _grows(found):
        return None
    return rows.put(write, ready, source, now, again=found is not None)


def _said(error: Exception) -> str:
    if isinstance(error, (NotFound, ObjectDamaged)):
        return f"its files are not whole: {error.message}"
    return error.message if isinstance(error, FaenaError) else f"{type(error).__name__}: {str(error)[:300]}"
