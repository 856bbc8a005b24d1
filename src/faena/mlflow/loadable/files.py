"""The files that are made for a version: nothing of them is kept, and the registered ones are never changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from typing import BinaryIO

from msgspec import Struct

from faena.data import service as snapshots
from faena.db import Read
from faena.environments import store as locks
from faena.environments.model import Lock
from faena.kernel import digests
from faena.kernel.errors import FaenaError
from faena.kernel.lanes import BYTES
from faena.mlflow.loadable import formats, mlmodel, packages
from faena.mlflow.loadable.formats import Found, Loadable, NotLoadable
from faena.mlflow.services import Services
from faena.models import service
from faena.models.model import ModelFile, ModelVersion, files_by_name
from faena.runs import store as runs
from faena.tracking.model import StoredFile

Made = Mapping[str, "bytes | StoredFile"]
_SENT = ("__init__", "pyfunc", "given", "types")
"""Modules of the kinds that are sent with each that MLflow cannot load by itself; beside them that of its kind."""
_MOST_SOURCES = 500


class _Origin(Struct, frozen=True):
    """Of the run that made it."""

    lock: Lock | None = None
    sources: Mapping[str, StoredFile] = {}
    """Its source folder's Python files."""


async def made_for(services: Services, name: str, version: int) -> Made:
    """By name; none where the version has an MLmodel of its own. Raises NotFound, ModelNotFoundException."""

    def look(read: Read) -> tuple[ModelVersion, _Origin]:
        found = service.get(read, name, version)
        return found, _origin(read, found)

    model, origin = await services.database.read(look)
    registered = files_by_name(model)
    if mlmodel.FILE in registered or not registered:
        return {}
    found = await BYTES.run(_recognized, services, model, registered)
    return _made(model, origin, found, registered)


def _recognized(services: Services, model: ModelVersion, registered: Mapping[str, ModelFile]) -> Found:
    def opened(name: str) -> BinaryIO:
        return services.files.open_to_seek(registered[name].digest)

    try:
        return formats.recognized(list(registered), opened, model.framework, model.properties)
    except (FaenaError, OSError) as error:  # what is there is listed all the same
        return NotLoadable(f"Its files cannot be read here: {error} `faena doctor` looks at them.")


def _made(model: ModelVersion, origin: _Origin, found: Found, registered: Mapping[str, ModelFile]) -> Made:
    folder = _free("code", registered)
    is_ours = isinstance(found, Loadable) and found.module == formats.OURS
    sent = _sent(found.kind if isinstance(found, Loadable) and is_ours else "")
    module = f"faena_loader_{digests.of_value(list(sent.items()))[:8]}"
    code: dict[str, bytes | StoredFile] = {}
    if is_ours or not isinstance(found, Loadable):
        code |= {f"{folder}/{module}/{name}": text.encode() for name, text in sent.items()}
    made: dict[str, bytes | StoredFile] = {}
    requirements: list[str] = []
    python = ""
    if isinstance(found, Loadable):
        if _is_needed(found.modules, list(origin.sources)):
            code |= {f"{folder}/{name}": file for name, file in origin.sources.items()}
        version = model.framework.version if found.has_version else ""
        requirements, python = packages.of_lock(origin.lock, found.package, version)
        made |= packages.files(requirements, python)
    text = mlmodel.text(model, found, requirements, python, f"{module}.pyfunc", folder if code else "")
    return {
        **{name: what for name, what in {**made, **code}.items() if name not in registered},
        mlmodel.FILE: text,
    }


def _free(folder: str, registered: Mapping[str, ModelFile]) -> str:
    tops = {name.partition("/")[0] for name in registered}
    while folder in tops:
        folder += "_"
    return folder


def _is_needed(modules: Sequence[str], sources: Sequence[str]) -> bool:
    tops = {name.partition("/")[0].removesuffix(".py") for name in sources}
    return any(module.partition(".")[0] in tops for module in modules)


def _origin(read: Read, model: ModelVersion) -> _Origin:
    run = None if model.run_id is None else runs.get(read, model.run_id)
    if run is None:
        return _Origin()
    lock = locks.get(read, run.lock) if run.lock else None
    try:
        listed = snapshots.snapshot_files(read, run.snapshot) if run.snapshot else ()
    except FaenaError:  # one that is gone, or damaged: what needs no source loads without it
        listed = ()
    sources = [file for file in listed if file.path.endswith(".py")]
    return _Origin(lock, {file.path: StoredFile(file.digest, file.size) for file in sources[:_MOST_SOURCES]})


@cache
def _sent(kind: str) -> dict[str, str]:
    """Texts of the modules that are sent, by name; `kind` empty: what cannot be loaded says why."""
    kinds = resources.files("faena.scoring.worker.kinds")
    names = (*_SENT, kind) if kind else _SENT[:2]
    return {f"{name}.py": kinds.joinpath(f"{name}.py").read_text("utf-8") for name in names}
