"""Makes what a revision runs in: the environment, found or built, and the folder with its script and models."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from faena.data import store as snapshots
from faena.db import Database, Read
from faena.endpoints.front_folder import FrontFolder, StagedModel
from faena.endpoints.model import Revision
from faena.environments import credentials, serving
from faena.environments import service as environments
from faena.environments import store as locks
from faena.environments.model import EnvironmentSpec, Lock
from faena.environments.prepare import find_built, find_lock, find_ready
from faena.environments.ready import ready_python
from faena.environments.service import KILLED, Build, ReadyEnvironment
from faena.kernel.errors import FaenaError, SnapshotException
from faena.kernel.lanes import BYTES
from faena.models import service as models
from faena.objects.service import Objects

_TRIES = 3
_LOOK = 1.0


async def environment(
    database: Database, revision: Revision, build_folder: Path, *, elsewhere: bool = False
) -> ReadyEnvironment:
    """That of a revision, built where it is not there; `elsewhere`: its lock alone, from which another machine builds.

    Raises FaenaError and OSError where that cannot be.
    """
    spec = environments.spec_of(revision.spec.environment)
    lock = await database.read(partial(_lock, revision=revision))
    ready = await asyncio.to_thread(_find, spec, lock, elsewhere=elsewhere)
    for _ in range(_TRIES):
        if ready is not None:
            credentials.forget(spec.digest)
            serving.refuse_lock(ready.lock)
            return ready
        build = Build(spec, build_folder, lock=lock, retry=True, resolve_only=elsewhere)
        await build.start()
        while not await build.wait(_LOOK):
            pass
        result = build.result()
        if isinstance(result, FaenaError):
            raise result
        ready = result
    if ready is None:
        raise KILLED
    serving.refuse_lock(ready.lock)
    return ready


async def stage(database: Database, objects: Objects, folder: FrontFolder, revision: Revision) -> None:
    """Make its folder, unless it is there. Raises SnapshotException for bytes that are missing, OSError."""
    if await asyncio.to_thread(folder.is_staged, revision.number):
        return
    files = await database.read(lambda read: snapshots.files(read, revision.spec.snapshot))
    if files is None:
        raise SnapshotException(
            f"The snapshot {revision.spec.snapshot} of revision {revision.number} is gone. Deploy from the source "
            "folder again."
        )
    wanted = await database.read(partial(staged_models, revision=revision))
    source = [
        {"path": file.path, "size": file.size, "digest": file.digest, "executable": file.executable}
        for file in files
    ]
    await BYTES.run(folder.stage, revision.number, source, wanted, objects.files.open_unverified)


def staged_models(read: Read, revision: Revision) -> Sequence[StagedModel]:
    """Raises ModelNotFoundException."""
    found = [models.get(read, use.name, use.version) for use in revision.spec.models]
    return [
        StagedModel(
            model.name,
            model.version,
            [
                {"path": file.path, "size": file.size, "digest": file.digest, "executable": False}
                for file in model.files
            ],
            model.aliases,
        )
        for model in found
    ]


def python_elsewhere(lock: Lock) -> str:
    """An interpreter of the other machine that is used as it is; empty for what is built there."""
    return "" if lock.built else lock.interpreter.path


def is_there(revision: Revision, folder: FrontFolder) -> bool:
    """Whether it can be started here as it is."""
    python, lock = revision.python or "", revision.lock or ""
    if not folder.is_staged(revision.number) or not os.access(python, os.X_OK):
        return False
    # one that a power cut may have torn is made anew: a front would hold it, so that nobody else could
    return f"/{lock}/" not in python or ready_python(lock) is not None


def _lock(read: Read, revision: Revision) -> Lock | None:
    return None if revision.lock is None else locks.get(read, revision.lock)


def _find(spec: EnvironmentSpec, lock: Lock | None, *, elsewhere: bool) -> ReadyEnvironment | None:
    if elsewhere:
        known = lock or find_lock(spec)
        return None if known is None else ReadyEnvironment(known, python_elsewhere(known))
    if lock is not None:
        python = find_built(lock)
        return None if python is None else ReadyEnvironment(lock, str(python))
    found = find_ready(spec)
    return None if found is None else ReadyEnvironment(found[0], str(found[1]))
