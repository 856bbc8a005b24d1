"""One file, sent: kept bytes, or what is made for a model that MLflow did not write."""

from __future__ import annotations

import posixpath
from collections.abc import AsyncIterator
from typing import IO, Any

from litestar import Request
from litestar.response import Stream

from faena.db import Read
from faena.kernel.lanes import BYTES
from faena.mlflow.artifacts import downloads, whole_files
from faena.mlflow.artifacts.trees import RegisteredFiles, Tree
from faena.mlflow.artifacts.whole_files import WholeFile
from faena.mlflow.errors import MISSING, MlflowError
from faena.mlflow.loadable import files as loadable
from faena.mlflow.services import Services
from faena.objects import ranges
from faena.tracking.model import StoredFile


async def send(
    services: Services, tree: Tree, path: str, request: Request[Any, Any, Any]
) -> Stream | WholeFile:
    """Raises MlflowError where there is none of that name."""
    found = await services.database.read(lambda read: _registered(read, tree, path))
    if found is None and isinstance(tree, RegisteredFiles):
        made = (await loadable.made_for(services, tree.name, tree.version)).get(path)
        if isinstance(made, bytes):
            return _named(_of_bytes(made), path)
        found = None if made is None else made.digest
    if found is None:
        raise MlflowError(f"No such artifact: '{path}'", MISSING)
    if "range" not in request.headers and (
        whole := await BYTES.run(whole_files.opened, services.files, found, request)
    ):
        return WholeFile(*whole, ranges.headers_of(found) | _names(path))
    return _named(await ranges.of_object(services.objects, found, request), path)


async def send_file(file: IO[bytes], path: str, request: Request[Any, Any, Any]) -> Stream:
    """An open file, under the last name of its path."""
    return _named(await ranges.of_file(file, request), path)


async def made_below(services: Services, tree: Tree, path: str) -> dict[str, StoredFile]:
    """What is made in this folder, or under this name."""
    if not isinstance(tree, RegisteredFiles):
        return {}
    made = await loadable.made_for(services, tree.name, tree.version)
    return {
        name: StoredFile("", len(what)) if isinstance(what, bytes) else what
        for name, what in made.items()
        if not path or name == path or name.startswith(f"{path}/")
    }


def _registered(read: Read, tree: Tree, path: str) -> str | None:
    file = tree.files(read, path).get(path)
    return None if file is None else file.digest


def _of_bytes(data: bytes) -> Stream:
    async def sent() -> AsyncIterator[bytes]:
        yield data

    return Stream(sent(), headers={"Content-Length": str(len(data))})


def _named(made: Stream, path: str) -> Stream:
    made.headers.update(_names(path))
    return made


def _names(path: str) -> dict[str, str]:
    name = posixpath.basename(path)
    return {"Content-Disposition": downloads.disposition(name), "Content-Type": downloads.media_type(name)}
