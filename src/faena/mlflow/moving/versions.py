"""Versions of registered models that come from MLflow."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa

from faena.db import Read, Write
from faena.kernel.clock import Micros
from faena.kernel.digests import of_bytes
from faena.kernel.errors import UserErrorException
from faena.mlflow import registry_sources, registry_views
from faena.mlflow.errors import MlflowError
from faena.mlflow.filters.registry import IS_PROMPT
from faena.mlflow.moving import wanted
from faena.mlflow.moving.schemas import CHANGED, GROWN, HERE, NEW, TAKEN, Taken, VersionGiven
from faena.mlflow.registry_sources import Source
from faena.mlflow.words import micros
from faena.models import store
from faena.models.logged import store as logged_models
from faena.models.model import ModelFile, ModelVersion, check_stage
from faena.objects import store as object_rows
from faena.runs import store as runs

_MOST_VERSION = 2**31 - 1
_READY = "READY"


def take(write: Write, name: str, given: VersionGiven, now: Micros, look: bool) -> Taken:
    """Raises UserErrorException or MlflowError for one that cannot be kept."""
    about = f"{name}:{given.version}"
    if not 1 <= given.version <= _MOST_VERSION:
        raise UserErrorException(f"{given.version} is no number of a version. Use 1 and more.")
    request = _request(name, given)
    rows = store.versions
    row = write.execute(
        sa.select(rows.c.request_id, rows.c.deletion, rows.c.deleted_at).where(
            rows.c.name == name, rows.c.version == given.version
        )
    ).first()
    if row is not None and (row.deletion is not None or row.deleted_at is not None):
        if given.deleted:
            return Taken(about, HERE)
        undo = f": `faena undelete {row.deletion}` brings it back" if row.deletion is not None else ""
        return Taken(about, TAKEN, [f"a version of this number was deleted here{undo}"])
    notes: list[str] = []
    model = _version(write, name, given, notes, look)
    size = sum(file.size for file in model.files)
    if row is not None:
        differ = _differences(write, model) if not given.deleted else ["whether it is deleted"]
        if not differ:
            return Taken(about, HERE, notes, files=len(model.files), size=size)
        there = store.get(write, name, given.version)
        if row.request_id == request and there is not None and model.changed_at > there.changed_at:
            if not look:  # it was changed there, and not here since
                _change(write, model, deleted=given.deleted, now=now)
            return Taken(about, GROWN, notes, files=len(model.files), size=size)
        outcome = CHANGED if row.request_id == request else TAKEN
        return Taken(about, outcome, [f"it differs in {', '.join(differ)}"])
    if not look:
        object_rows.touch(write, {file.digest: file.size for file in model.files}, now)
        store.add(write, model, request)
        store.change(write, name, given.version, model.changed_at)
        if given.deleted:
            store.delete(write, name, given.version, now)
    return Taken(about, NEW, notes, files=len(model.files), size=size)


def _change(write: Write, model: ModelVersion, *, deleted: bool, now: Micros) -> None:
    name, version = model.name, model.version
    store.remove_tags(write, name, version)
    store.set_labels(write, name, version, store.TAG, model.tags)
    store.change(write, name, version, model.changed_at, description=model.description, stage=model.stage)
    if deleted:
        store.delete(write, name, version, now)


def _request(name: str, given: VersionGiven) -> str:
    """The same for the same version, so that it is known whether it was brought earlier."""
    told = f"mlflow\0{name}\0{given.version}\0{given.created_ms}\0{given.source}"
    return of_bytes(told.encode("utf-8", "replace"))


def _version(read: Read, name: str, given: VersionGiven, notes: list[str], look: bool) -> ModelVersion:
    told = [] if look and _would_come_first(read, given) else notes
    of = Source(given.source, "", given.source) if given.deleted else _source(read, given, told)
    try:
        stage = check_stage(given.stage or None) if not given.deleted else ""
    except UserErrorException as error:
        notes.append(error.message)
        stage = ""
    if given.status != _READY:
        notes.append(f"its status is {given.status[:40]}, and {_READY} here")
    properties = {registry_views.RUN_LINK: given.run_link, registry_views.MODEL_ID: of.model_id}
    return ModelVersion(
        name=name,
        version=given.version,
        run_id=of.run_id,
        path=of.path,
        created_at=micros(given.created_ms, "creation"),
        changed_at=micros(given.changed_ms, "change"),
        description=given.description,
        tags=given.tags,
        properties={key: value for key, value in properties.items() if value},
        files=of.files,
        source=of.source,
        location=of.location,
        told_run=of.told_run,
        stage=stage,
    )


def _would_come_first(read: Read, given: VersionGiven) -> bool:
    """Whether its files are of a run or a logged model that is not here yet: they cannot be told to be missing."""
    if given.run_id and runs.get(read, given.run_id) is None:
        return True
    return bool(given.model_id) and logged_models.get(read, str(given.model_id)) is None


def _source(read: Read, given: VersionGiven, notes: list[str]) -> Source:
    """Its files and where they come from. The source is kept as it was told."""
    if given.place:
        try:
            found = registry_sources.find(read, given.place, given.run_id, given.model_id)
        except MlflowError as error:
            notes.append(f"its files are not here: {error.message}")
        else:
            if not found.files:
                notes.append(f"its files are not here: there are none at {given.place[:200]}")
            return msgspec.structs.replace(found, source=given.source)
    files = wanted.stored(given.files, notes)
    if not files and not given.place and given.tags.get(IS_PROMPT, "").lower() != "true":
        notes.append(f"its files are not here: {given.source[:200]!a} is no folder that was read")
    known = runs.get(read, given.run_id) if given.run_id else None
    return Source(
        given.source,
        given.source,
        given.source,
        run_id=known.id if known else None,
        told_run=None if known else given.run_id,
        model_id=given.model_id,
        files=tuple(ModelFile(path, file.digest, file.size) for path, file in sorted(files.items())),
    )


def _differences(read: Read, model: ModelVersion) -> list[str]:
    there = store.get(read, model.name, model.version)
    if there is None:
        return ["it is not there"]
    fields = ("run_id", "told_run", "description", "stage", "source", "tags", "created_at")
    found = [field for field in fields if getattr(there, field) != getattr(model, field)]
    if {(file.path, file.digest) for file in there.files} != {
        (file.path, file.digest) for file in model.files
    }:
        found.append("files")
    return found
