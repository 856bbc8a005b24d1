"""Use cases of the registry: register, find, list."""

from __future__ import annotations

from faena.db import Read, Write
from faena.kernel import ids
from faena.kernel.clock import Micros
from faena.kernel.errors import Conflict, ModelNotFoundException, ModelPathNotFoundException
from faena.models import store
from faena.models.model import ModelVersion, select_files
from faena.models.schemas import ModelFileView, ModelView, Registration
from faena.runs import service as runs
from faena.tracking import files as run_files


def register(write: Write, name: str, request_id: str, asked: Registration, now: Micros) -> ModelView:
    """Give the files a version; the same request again gives the same version. No byte is copied.

    Raises ModelPathNotFoundException listing what is there, NotFound when there is no such run.
    """
    ids.check_model_name(name)
    if existing := store.by_request(write, request_id):
        if (existing.name, existing.run_id, existing.run_path) != (name, asked.run_id, asked.path):
            raise Conflict(
                f"The request {request_id} registered {existing.name!r} before. Use a new request id."
            )
        return view(write, existing)
    run = runs.get(write, asked.run_id)
    there = {file.name: (file.digest, file.size) for file in run_files.files(write, run.id)}
    chosen = select_files(there, asked.path)
    if not chosen:
        raise ModelPathNotFoundException(
            f"Could not locate the provided model_path {asked.path[:300]} in the set of files uploaded to the run: "
            f"{sorted(there)[:50]}. Files in ./outputs are there when the run has ended."
        )
    model = ModelVersion(
        name=name,
        version=store.next_version(write, name),
        run_id=run.id,
        run_path=asked.path,
        created_at=now,
        description=asked.description,
        tags=asked.tags,
        properties=asked.properties,
        files=chosen,
    )
    store.add(write, model, request_id)
    return view(write, model)


def get(read: Read, name: str, version: int | None) -> ModelVersion:
    """A version, the latest when None. Raises ModelNotFoundException."""
    found = store.latest(read, name) if version is None else store.get(read, name, version)
    if found is None:
        wanted = name if version is None else f"{name}:{version}"
        raise ModelNotFoundException(
            f"ModelNotFound: Model with name {wanted[:300]} not found in provided workspace. `faena models` lists them."
        )
    return found


def list_models(read: Read, *, name: str | None, run_id: str | None, latest: bool) -> list[ModelView]:
    """By name, the latest version first; `latest`: only that one of each name."""
    found = store.newest(read, name=name, run_id=run_id)
    if latest:
        newest = {model.name: model for model in reversed(found)}
        found = [newest[name] for name in sorted(newest)]
    return [view(read, model) for model in found]


def view(read: Read, model: ModelVersion) -> ModelView:
    return ModelView(
        id=f"{model.name}:{model.version}",
        name=model.name,
        version=model.version,
        run_id=model.run_id,
        experiment=runs.get(read, model.run_id).experiment,
        run_path=model.run_path,
        created_at=model.created_at,
        description=model.description,
        tags=model.tags,
        properties=model.properties,
        size=sum(file.size for file in model.files),
        files=[ModelFileView(file.path, file.size, file.digest) for file in model.files],
    )
