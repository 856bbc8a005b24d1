"""Use cases of logged models."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

from faena.db import Read, Write
from faena.kernel.clock import Micros
from faena.kernel.errors import NotFound
from faena.models.logged import store
from faena.models.logged.model import LoggedModel, LoggedStatus, ModelMetric
from faena.models.model import ModelFile
from faena.objects import store as objects
from faena.runs import service as runs


def new_id() -> str:
    return f"m-{os.urandom(16).hex()}"


def add(write: Write, model: LoggedModel) -> LoggedModel:
    """Raises NotFound for a run that there is not."""
    if model.run_id is not None:
        runs.get(write, model.run_id)
    store.add(write, model)
    return model


def get(read: Read, model_id: str) -> LoggedModel:
    """Raises NotFound, also for one that was deleted."""
    found = store.get(read, model_id)
    if found is None or found.deleted_at is not None:
        raise NotFound(f"Logged model with ID '{model_id[:100]}' not found.")
    return found


def finish(write: Write, model_id: str, status: LoggedStatus, now: Micros) -> LoggedModel:
    return _changed(write, model_id, {"status": status.value}, now)


def set_tags(write: Write, model_id: str, tags: Mapping[str, str], now: Micros) -> LoggedModel:
    store.set_labels(write, get(write, model_id), store.TAG, tags)
    return _changed(write, model_id, {}, now)


def remove_tag(write: Write, model_id: str, key: str, now: Micros) -> LoggedModel:
    """Raises NotFound where it has no such tag."""
    if key not in get(write, model_id).tags:
        raise NotFound(f"No tag with key '{key[:250]}' found for model with ID '{model_id}'.")
    store.remove_tag(write, model_id, key)
    return _changed(write, model_id, {}, now)


def add_params(write: Write, model_id: str, params: Mapping[str, str], now: Micros) -> LoggedModel:
    store.set_labels(write, get(write, model_id), store.PARAM, params)
    return _changed(write, model_id, {}, now)


def delete(write: Write, model_id: str, now: Micros) -> None:
    """Nobody sees it any more, and its bytes go when nothing else refers to them. Repeating it has no second effect.

    Raises NotFound.
    """
    if (there := store.get(write, model_id)) is not None and there.deleted_at is not None:
        return
    get(write, model_id)
    store.remove_files(write, model_id, [file.path for file in store.files_of(write, model_id)])
    store.change(write, model_id, {"deleted_at": now})


def put_file(write: Write, model_id: str, file: ModelFile, now: Micros) -> None:
    """Add a file whose bytes are in the object store, or replace that of the same path."""
    model = get(write, model_id)
    objects.touch(write, {file.digest: file.size}, now)
    store.put_file(write, model, file)


def measure(write: Write, measured: Mapping[str, Iterable[ModelMetric]]) -> None:
    """Keep metrics by model. Raises NotFound for a model that there is not."""
    for model_id, given in measured.items():
        get(write, model_id)
        store.put_metrics(write, model_id, given)


def _changed(write: Write, model_id: str, changes: Mapping[str, Any], now: Micros) -> LoggedModel:
    get(write, model_id)
    store.change(write, model_id, {**changes, "changed_at": now})
    return get(write, model_id)
