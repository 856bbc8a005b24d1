"""Files at addresses of no run, model or trace: in the workspace's own datastore, below `mlflow-artifacts/`."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from typing import IO, Any

from faena.data import safe_paths
from faena.data.datastores import service
from faena.data.datastores.model import DEFAULT, Datastore, DatastoreKind, place_of
from faena.kernel.errors import NotFound, UserErrorException
from faena.kernel.lanes import BYTES
from faena.mlflow.errors import MISSING, MlflowError
from faena.mlflow.services import Services

_FOLDER = "mlflow-artifacts"


async def listed(services: Services, path: str) -> list[dict[str, Any]]:
    """What lies directly in a folder; nothing where there is none."""
    return await BYTES.run(_entries, _store(services), path)


async def opened(services: Services, path: str) -> IO[bytes]:
    """Raises MlflowError where there is no such file."""
    try:
        return await BYTES.run(lambda: service.open_file(_store(services), _below(path)).open("rb"))
    except (NotFound, UserErrorException):
        raise MlflowError(f"No such artifact: '{path[:200]}'", MISSING) from None


async def put(services: Services, path: str, sent: AsyncIterator[bytes]) -> None:
    """Whole or not at all; a file of the same name is replaced."""
    if not path:
        raise MlflowError("Invalid path: a file has a name.")
    digest, _ = await services.objects.receive(sent)
    content = await BYTES.run(services.objects.files.open, digest)
    await BYTES.run(lambda: service.take(_store(services), _below(path), content, overwrite=True))


async def remove(services: Services, path: str) -> None:
    """A file, or a folder with all that it holds; silent where there is none."""
    store = service.ready(_store(services))
    try:
        await BYTES.run(safe_paths.remove, store.folder, _below(path))
    except NotFound:
        return


def _store(services: Services) -> Datastore:
    return Datastore(DEFAULT, DatastoreKind.WORKSPACE, place_of(services.folder(), DEFAULT), is_default=True)


def _below(path: str) -> str:
    return f"{_FOLDER}/{path}" if path else _FOLDER


def _entries(store: Datastore, path: str) -> list[dict[str, Any]]:
    try:
        folder = safe_paths.resolve(service.ready(store).folder, _below(path))
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda entry: entry.name)
    except (NotFound, NotADirectoryError):
        return []
    told: list[dict[str, Any]] = []
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            told.append({"path": entry.name, "is_dir": True})
        elif entry.is_file(follow_symlinks=False) and not safe_paths.is_unfinished(entry.name):
            told.append({"path": entry.name, "is_dir": False, "file_size": entry.stat().st_size})
    return told
