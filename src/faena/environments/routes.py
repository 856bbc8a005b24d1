"""HTTP of environments: those registered, those on this machine, builds without a run."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import msgspec
from litestar import Request, get, post, put
from litestar.params import Parameter
from litestar.response import Stream

from faena.db import Database, Read
from faena.environments import archives, pruning, ready, registry, service, store
from faena.environments.builds import Builds
from faena.environments.model import EnvironmentSpec, Lock
from faena.environments.schemas import (
    BuildRequest,
    BuildView,
    BuiltView,
    EnvironmentDefinition,
    EnvironmentView,
    LockView,
    PruneRequest,
    PruneView,
)
from faena.kernel import digests
from faena.kernel.clock import Clock
from faena.kernel.errors import EnvironmentBuildException, NotFound, UserErrorException
from faena.kernel.lanes import BYTES
from faena.kernel.rights import CONTRIBUTE, OWN, READ
from faena.kernel.routing import SOME_BYTES, Router
from faena.objects import ranges
from faena.objects.service import Objects
from faena.workspaces import needs
from faena.workspaces.model import WorkspaceFolder

Offset = Annotated[int, Parameter(ge=0, le=2**62)]
Wait = Annotated[float, Parameter(ge=0, le=30)]


@put(
    "/{name:str}",
    status_code=200,
    summary="Register an environment: a new version where it changed",
    opt=CONTRIBUTE,
)
async def register(
    name: str, data: EnvironmentDefinition, database: Database, objects: Objects, clock: Clock
) -> EnvironmentView:
    await service.take_sent(data.request, objects)
    return await database.write(lambda write: registry.register(write, name, data, clock.now()))


@get(
    "/",
    summary="Registered environments: all versions, or all of one name, the newest of each name first",
    opt=READ,
)
async def list_registered(database: Database, name: str | None = None) -> list[EnvironmentView]:
    return await database.read(lambda read: store.versions(read, name))


@get("/{name:str}", summary="The latest version of a registered environment", opt=READ)
async def show_latest(name: str, database: Database) -> EnvironmentView:
    return await database.read(lambda read: registry.get(read, name, None))


@get("/{name:str}/versions/{version:int}", summary="One version of a registered environment", opt=READ)
async def show_version(name: str, version: int, database: Database) -> EnvironmentView:
    return await database.read(lambda read: registry.get(read, name, version))


@get("/", summary="Environments on this machine, and builds that failed", opt=READ)
async def list_built(database: Database) -> list[BuiltView]:
    wanted = await database.read(needs.needed_environments)
    return await BYTES.run(pruning.built, wanted)


@post(
    "/prune",
    status_code=200,
    summary="Remove environments that nothing uses; what a run holds stays",
    opt=OWN,
)
async def prune(data: PruneRequest, database: Database, clock: Clock) -> PruneView:
    wanted = await database.read(needs.needed_environments)
    return await BYTES.run(pruning.prune, data, wanted, clock.now())


@put(
    "/{build_id:str}",
    status_code=200,
    summary="Build an environment; repeating it has no second effect",
    opt=CONTRIBUTE,
)
async def start_build(
    build_id: str,
    data: BuildRequest,
    database: Database,
    objects: Objects,
    builds: Builds,
    folder: WorkspaceFolder,
) -> BuildView:
    if (data.environment is None) == (not data.lock):
        raise UserErrorException("A build is of an environment or of a lock. Give exactly one of them.")
    if builds.knows(build_id):
        return await builds.look(build_id, 0, 0.0)
    if data.environment is not None:
        spec = service.spec_of(data.environment, default=folder.as_of)
        await service.take_sent(data.environment, objects)
        await asyncio.to_thread(service.refuse_impossible, spec)
        await builds.start(build_id, spec, None)
    else:
        lock = await database.read(lambda read: _lock(read, data.lock))
        waiting = await database.read(needs.needed_environments)
        await BYTES.run(pruning.remove_for_rebuild, lock.digest, waiting)
        await builds.start(build_id, EnvironmentSpec(), lock)
    return await builds.look(build_id, 0, 0.0)


@get("/{build_id:str}", summary="Where a build is, and the part of its log from an offset on", opt=READ)
async def look_at_build(build_id: str, builds: Builds, offset: Offset = 0, wait: Wait = 0.0) -> BuildView:
    return await builds.look(build_id, offset, wait)


@get("/{digest:str}", summary="What an environment holds: exact versions with hashes", opt=READ)
async def show_lock(digest: str, database: Database) -> LockView:
    digests.check(digest)
    found = await database.read(lambda read: store.get(read, digest)) or await BYTES.run(_built, digest)
    if found is None:
        raise NotFound(
            f"No run of this workspace has the environment {digest[:80]!r}, and it is not built here."
        )
    first = sorted(found.index_urls, key=lambda index: not index.default)
    return LockView(
        digest=digest,
        built=found.built,
        python=found.interpreter.version,
        platform=found.platform,
        requirements=found.requirements,
        build_constraints=found.build_constraints,
        index_urls=tuple(index.kept().url for index in first),
        has_default=any(index.default for index in first),
        pip=found.pip,
        archives=found.archives,
    )


@get(
    "/{digest:str}/lock",
    summary="The lock itself, from which another machine builds the environment",
    opt=READ,
)
async def whole_lock(digest: str, database: Database) -> Lock:
    found = await database.read(lambda read: _known(read, digests.check(digest)))
    return msgspec.structs.replace(found, index_urls=tuple(index.kept() for index in found.index_urls))


@get(
    "/{digest:str}/archives/{archive:str}",
    summary="A package that a submitter had on disk, of an environment",
    media_type=SOME_BYTES,
    responses=ranges.REST,
    opt=READ,
)
async def packed(digest: str, archive: str, database: Database, request: Request[Any, Any, Any]) -> Stream:
    lock = await database.read(lambda read: _known(read, digests.check(digest)))
    wanted = next((each for each in lock.archives if each.digest == archive), None)
    if wanted is None:
        raise NotFound(f"The environment {digest[:12]} has no package {archive[:80]!r} from a disk.")
    try:
        file = await BYTES.run(lambda: archives.verified(wanted).open("rb"))
    except EnvironmentBuildException as error:
        raise NotFound(error.message) from error
    return await ranges.of_file(file, request)


def _built(digest: str) -> Lock | None:
    try:
        return Lock.from_json(ready.lock_copy(digest).read_bytes())
    except FileNotFoundError:
        return None


def _known(read: Read, digest: str) -> Lock:
    found = store.get(read, digest)
    if found is None:
        raise NotFound(f"No run of this workspace has the environment {digest[:80]!r}.")
    return found


def _lock(read: Read, digest: str) -> Lock:
    found = _known(read, digest)
    if not found.built:
        raise UserErrorException(
            f"The run used the interpreter {found.interpreter.path} as it is: there is nothing to build."
        )
    return found


routers = [
    Router(
        "/environments",
        route_handlers=[register, list_registered, show_latest, show_version],
        tags=["environments"],
    ),
    Router("/built-environments", route_handlers=[list_built, prune], tags=["environments"]),
    Router("/environment-locks", route_handlers=[show_lock, whole_lock, packed], tags=["environments"]),
    Router("/environment-builds", route_handlers=[start_build, look_at_build], tags=["environments"]),
]
