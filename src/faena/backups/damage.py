"""What refers to an object, and which backup has it: what an error about a damaged one says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import msgspec
import sqlalchemy as sa

from faena.backups.history import known
from faena.backups.model import object_path
from faena.data.schemas import SnapshotFile
from faena.data.store import snapshot_objects, snapshots
from faena.db import Database, Read
from faena.models.logged.store import files as logged_files
from faena.models.store import files as model_files
from faena.runs.checkpoint_store import checkpoint_files
from faena.runs.store import runs
from faena.traces.store import files as trace_files
from faena.tracking.store.files import run_files
from faena.tracking.store.packs import packs

_MOST = 20
"""Rows of a kind that are looked at, and runs that one snapshot names."""
_SHOWN = 3


class Use(msgspec.Struct, frozen=True):
    """One thing that an object is part of."""

    name: str
    """For people, such as `outputs/model.npz of run mnist_1`."""
    run_id: str | None = None
    """The run that is not whole without it."""


def uses(read: Read, digest: str) -> list[Use]:
    """What refers to an object; of each kind the first ones."""
    kinds: tuple[Callable[[Read, str], Iterator[Use]], ...] = (
        _files,
        _models,
        _logged_models,
        _traces,
        _checkpoints,
        _sources,
        _tracked,
    )
    return [use for kind in kinds for use in kind(read, digest)]


def explain(database: Database, workspace: Path, digest: str) -> str:
    """Sentences for the error about an object that is damaged or gone; empty where nothing refers to it."""
    found = database.look_up(lambda read: uses(read, digest))
    if not found:
        return ""
    return f"It is {listed(use.name for use in found)}. {_where(workspace, digest)}"


def listed(names: Iterable[str]) -> str:
    found = list(names)
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return ", ".join(found[:_SHOWN]) + more


def _where(workspace: Path, digest: str) -> str:
    for backup in known(workspace):
        if object_path(Path(backup.folder), digest).exists():
            return f"The backup of {backup.time} in {backup.folder} has it: `faena repair` brings it back."
    return "No backup that is known has it: `faena repair` looks for its bytes elsewhere, also in `--from FOLDER`."


def _files(read: Read, digest: str) -> Iterator[Use]:
    there = (run_files.c.digest == digest) & run_files.c.deletion.is_(None)
    for row in read.execute(run_files.select().where(there).limit(_MOST)):
        yield Use(f"{row.name} of run {row.run_id}", row.run_id)


def _models(read: Read, digest: str) -> Iterator[Use]:
    for row in read.execute(model_files.select().where(model_files.c.digest == digest).limit(_MOST)):
        yield Use(f"{row.path} of model {row.name}:{row.version}")


def _logged_models(read: Read, digest: str) -> Iterator[Use]:
    for row in read.execute(logged_files.select().where(logged_files.c.digest == digest).limit(_MOST)):
        yield Use(f"{row.path} of the logged model {row.model_id}", row.run_id)


def _traces(read: Read, digest: str) -> Iterator[Use]:
    for row in read.execute(trace_files.select().where(trace_files.c.digest == digest).limit(_MOST)):
        yield Use(f"{row.path} of the trace {row.trace_id}")


def _checkpoints(read: Read, digest: str) -> Iterator[Use]:
    of_object = checkpoint_files.select().where(checkpoint_files.c.digest == digest).limit(_MOST)
    for row in read.execute(of_object):
        yield Use(f"{row.name} of the checkpoint of run {row.run_id}, attempt {row.attempt}", row.run_id)


def _sources(read: Read, digest: str) -> Iterator[Use]:
    of_object = sa.select(snapshots).join(snapshot_objects, snapshot_objects.c.snapshot == snapshots.c.digest)
    for row in read.execute(of_object.where(snapshot_objects.c.object == digest).limit(_MOST)).all():
        files = msgspec.msgpack.decode(row.manifest, type=tuple[SnapshotFile, ...])
        path = next((file.path for file in files if file.digest == digest), "the git diff")
        taken = sa.select(runs.c.id).where(runs.c.snapshot == row.digest).limit(_MOST)
        for run in read.execute(taken):
            yield Use(f"{path} in the source of run {run.id}", run.id)


def _tracked(read: Read, digest: str) -> Iterator[Use]:
    for row in read.execute(packs.select().where(packs.c.digest == digest).limit(_MOST)):
        yield Use(f"metrics and logs of run {row.run_id}", row.run_id)
