"""Logged models that come from MLflow. Their runs are here by then."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial

from faena.db import Database, Read, Write
from faena.kernel.clock import Micros
from faena.kernel.errors import UserErrorException
from faena.mlflow.errors import MlflowError
from faena.mlflow.logged_models import STATUS
from faena.mlflow.moving import wanted as runs_wanted
from faena.mlflow.moving.schemas import CHANGED, GROWN, HERE, NEW, REFUSED, LoggedModelGiven, Taken
from faena.mlflow.words import micros
from faena.models.logged import store
from faena.models.logged.model import LoggedModel, LoggedStatus, ModelMetric
from faena.models.model import ModelFile
from faena.objects import store as object_rows
from faena.runs import store as runs
from faena.workspaces import store as workspaces

_ID = re.compile(r"[A-Za-z0-9][\w\-]{0,63}", re.ASCII)
_LONGEST_NAME = 255
_LONGEST_KEY = 255
_LONGEST_RUN = 250


def take(database: Database, given: Sequence[LoggedModelGiven], now: Micros, *, look: bool) -> list[Taken]:
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


def _take(write: Write, given: LoggedModelGiven, now: Micros) -> Taken:
    found = _look(write, given)
    if found.outcome not in (NEW, GROWN):
        return found
    notes: list[str] = []
    model, metrics = _model(write, given, notes)
    files = runs_wanted.stored(given.files, [])
    object_rows.touch(write, {file.digest: file.size for file in files.values()}, now)
    if found.outcome == NEW:
        store.add(write, model)
    else:
        changes = {"status": model.status.value, "message": model.message, "changed_at": model.changed_at}
        store.change(write, model.id, {**changes, "name": model.name, "deleted_at": model.deleted_at})
        store.set_labels(write, model, store.PARAM, model.params)
        store.set_labels(write, model, store.TAG, model.tags)
    for name, file in files.items():
        store.put_file(write, model, ModelFile(name, file.digest, file.size))
    store.put_metrics(write, model.id, metrics)
    differ = _differences(write, given)
    return Taken(
        given.id,
        CHANGED if differ else found.outcome,
        [*found.notes, *notes, *differ],
        files=found.files,
        size=found.size,
    )


def _look(read: Read, given: LoggedModelGiven) -> Taken:
    if not _ID.fullmatch(given.id):
        raise UserErrorException(f"{given.id[:80]!a} cannot be the id of a logged model.")
    notes: list[str] = []
    files = runs_wanted.stored(given.files, notes)
    size = sum(file.size for file in files.values())
    if store.get(read, given.id) is None:
        if given.run_id and not _run(read, given.run_id):
            notes.append(f"its run {given.run_id[:80]} is not here")
        if given.deleted and given.files:
            notes.append("it is deleted, and comes without its files")
        return Taken(given.id, NEW, notes, files=len(files), size=size)
    differ = _differences(read, given)
    if differ and _is_part(read, given):
        return Taken(given.id, GROWN, notes, files=len(files), size=size)
    if differ:
        return Taken(given.id, CHANGED, differ)
    return Taken(given.id, HERE, notes, files=len(files), size=size)


def _differences(read: Read, given: LoggedModelGiven) -> list[str]:
    there = store.get(read, given.id)
    if there is None:
        return ["it is not there"]
    wanted, metrics = _model(read, given, [])
    fields = ("experiment_id", "run_id", "name", "kind", "status", "params", "tags", "created_at")
    found = [name for name in fields if getattr(there, name) != getattr(wanted, name)]
    if (there.deleted_at is None) is not (wanted.deleted_at is None):
        found.append("whether it is deleted")
    files = {file.path: file.digest for file in store.files_of(read, given.id)}
    if files != {name: file.digest for name, file in runs_wanted.stored(given.files, []).items()}:
        found.append("files")
    mine = {_key(each) for each in store.metrics_of(read, [given.id]).get(given.id, ())}
    if mine != {_key(each) for each in metrics}:
        found.append("metrics")
    return [f"it differs in {', '.join(found)}"] if found else []


def _is_part(read: Read, given: LoggedModelGiven) -> bool:
    """Whether it was changed there since it was brought, and all that is here is there."""
    there = store.get(read, given.id)
    if there is None or there.deleted_at is not None or there.changed_at > micros(given.changed_ms, "change"):
        return False
    kept = {file.path for file in store.files_of(read, given.id)}
    metrics = {_key(each) for each in store.metrics_of(read, [given.id]).get(given.id, ())}
    wanted = {_key(each) for each in _model(read, given, [])[1]}
    return (
        there.tags.keys() <= given.tags.keys()
        and there.params.keys() <= given.params.keys()
        and (kept <= given.files.keys() or given.deleted)
        and metrics <= wanted
    )


def _key(metric: ModelMetric) -> tuple[str, str, str, str]:
    return metric.run_id, metric.name, metric.dataset, metric.dataset_digest


def _model(read: Read, given: LoggedModelGiven, notes: list[str]) -> tuple[LoggedModel, list[ModelMetric]]:
    experiment = workspaces.get_experiment(read, given.experiment)
    if experiment is None or experiment.id is None:
        raise UserErrorException(f"Its experiment {given.experiment[:80]!r} is not here.")
    created, changed = micros(given.created_ms, "creation"), micros(given.changed_ms, "change")
    status = STATUS.get(given.status)
    if status is None:
        notes.append(f"its status {given.status[:40]!r} is none: it is pending")
    metrics: list[ModelMetric] = []
    for each in given.metrics:
        if _run(read, each.run_id) and len(each.name) <= _LONGEST_KEY:
            value = None if each.value != each.value else each.value
            at = micros(each.time_ms, "time")
            told = (each.dataset, each.dataset_digest[:64])
            metrics.append(ModelMetric(each.run_id, each.name, value, at, each.step, *told))
        else:
            notes.append(f"its metric {each.name[:80]!r} is of a run that is not here")
    is_here = given.run_id is not None and _run(read, given.run_id)
    model = LoggedModel(
        given.id,
        experiment.id,
        given.name[:_LONGEST_NAME],
        created,
        changed,
        run_id=given.run_id if is_here else None,
        told_run="" if is_here else (given.run_id or "")[:_LONGEST_RUN],
        kind=given.kind,
        status=status or LoggedStatus.PENDING,
        message=given.message,
        params={key[:_LONGEST_KEY]: value for key, value in given.params.items()},
        tags={key[:_LONGEST_KEY]: value for key, value in given.tags.items()},
        deleted_at=changed if given.deleted else None,
    )
    return model, metrics


def _run(read: Read, run_id: str) -> bool:
    return runs.get(read, run_id) is not None
