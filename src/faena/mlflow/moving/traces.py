"""Traces that come from MLflow."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from faena.db import Database, Read, Write
from faena.kernel import ids
from faena.kernel.clock import Micros
from faena.kernel.errors import UserErrorException
from faena.mlflow.errors import MlflowError
from faena.mlflow.moving import wanted
from faena.mlflow.moving.schemas import CHANGED, HERE, NEW, REFUSED, Taken, TraceGiven
from faena.mlflow.words import micros
from faena.objects import store as object_rows
from faena.traces import store
from faena.traces.model import Trace, TraceFile, TraceStatus
from faena.tracking.model import StoredFile
from faena.workspaces import store as workspaces

_LONGEST_ID = 64
_LONGEST_KEY = 255
_STATUS = {"OK": TraceStatus.OK, "ERROR": TraceStatus.FAILED, "IN_PROGRESS": TraceStatus.IN_PROGRESS}


def take(database: Database, given: Sequence[TraceGiven], now: Micros, *, look: bool) -> list[Taken]:
    """What became of each, in their order. One that is wrong stops none of the others. Blocks."""
    answers: list[Taken] = []
    for each in given:
        try:
            if look:
                answers.append(database.submit_read(partial(_look, given=each)).result())
            else:
                answers.append(database.submit_write(partial(_take, given=each, now=now)).result())
        except (UserErrorException, MlflowError) as error:
            answers.append(Taken(each.id, REFUSED, [error.message]))
    return answers


def _take(write: Write, given: TraceGiven, now: Micros) -> Taken:
    found = _look(write, given)
    if found.outcome == NEW:
        files = wanted.stored(given.files, [])
        object_rows.touch(write, {file.digest: file.size for file in files.values()}, now)
        store.add(write, _trace(write, given))
        for name, file in files.items():
            store.put_file(write, given.id, TraceFile(name, file.digest, file.size))
    return found


def _look(read: Read, given: TraceGiven) -> Taken:
    if len(ids.check_run_id(given.id)) > _LONGEST_ID:
        raise UserErrorException(f"{given.id[:80]!a} is longer than the id of a trace can be.")
    notes: list[str] = []
    files = wanted.stored(given.files, notes)
    trace = _trace(read, given)
    there = store.get(read, given.id)
    answer = Taken(given.id, NEW if there is None else HERE, notes, files=len(files), size=_size(files))
    if there is None:
        return answer
    fields = ("experiment_id", "run_id", "began_at", "ended_at", "status", "tags", "metadata")
    differ = [name for name in fields if getattr(there, name) != getattr(trace, name)]
    kept = {file.path: file.digest for file in store.files_of(read, given.id)}
    if kept != {name: file.digest for name, file in files.items()}:
        differ.append("files")
    return Taken(given.id, CHANGED, [f"it differs in {', '.join(differ)}"]) if differ else answer


def _size(files: dict[str, StoredFile]) -> int:
    return sum(file.size for file in files.values())


def _trace(read: Read, given: TraceGiven) -> Trace:
    experiment = workspaces.get_experiment(read, given.experiment)
    if experiment is None or experiment.id is None:
        raise UserErrorException(f"Its experiment {given.experiment[:80]!r} is not here.")
    began = micros(given.began_ms, "beginning")
    return Trace(
        given.id,
        experiment.id,
        began,
        given.run_id,
        None if given.took_ms is None else began + given.took_ms * 1000,
        _STATUS.get(given.status, TraceStatus.IN_PROGRESS),
        {key[:_LONGEST_KEY]: value for key, value in given.tags.items()},
        {key[:_LONGEST_KEY]: value for key, value in given.metadata.items()},
    )
