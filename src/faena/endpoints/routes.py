"""HTTP of endpoints: to deploy, change and look at them. Requests to models go to their fronts, not here."""

from __future__ import annotations

import asyncio
from typing import Annotated

import msgspec
from litestar import Router, delete, get, patch, post, put
from litestar.params import Parameter

from faena.db import Database, Read, Write
from faena.endpoints import service, store
from faena.endpoints.activity import with_activity
from faena.endpoints.folder import EndpointFolder
from faena.endpoints.reaching import Reach
from faena.endpoints.schemas import (
    Deployment,
    DeploymentView,
    EndpointChange,
    EndpointView,
    KeptRequest,
    KeysView,
    LogView,
    TryAnswer,
    TryRequest,
)
from faena.endpoints.trying import Tries
from faena.environments import credentials
from faena.environments import service as environments
from faena.environments import store as locks
from faena.environments.model import Lock
from faena.environments.prepare import find_ready
from faena.kernel.clock import Clock
from faena.kernel.errors import UserErrorException
from faena.kernel.notifications import Notifications
from faena.kernel.rights import CONTRIBUTE, OWN, READ
from faena.objects.service import Objects
from faena.workspaces.model import WorkspaceFolder

Wait = Annotated[float, Parameter(ge=0, le=60)]
Count = Annotated[int, Parameter(ge=1, le=1_000_000)]
_LONGEST_LOG = 1 << 20


@put(
    "/{name:str}/deployments/{request_id:str}",
    status_code=200,
    summary="Deploy a revision; repeating it has no second effect",
    opt=CONTRIBUTE,
)
async def deploy(
    name: str,
    request_id: str,
    data: Deployment,
    database: Database,
    objects: Objects,
    clock: Clock,
    reach: Reach,
) -> DeploymentView:
    request = data.revision.environment
    is_far = await database.read(lambda read: service.is_elsewhere(read, name, data))
    await environments.take_sent(request, objects)

    def look() -> tuple[Deployment, tuple[Lock, str] | None]:
        spec = environments.spec_of(request)
        environments.refuse_impossible(spec, elsewhere=is_far, serves=True)
        credentials.put(spec)
        kept = msgspec.structs.replace(data.revision, environment=environments.kept(request))
        found = None if data.revision.lock or is_far else find_ready(spec)
        asked = msgspec.structs.replace(data, revision=kept)
        return asked, None if found is None else (found[0], str(found[1]))

    asked, found = await asyncio.to_thread(look)

    def accept(write: Write) -> tuple[str, int]:
        ready = None if found is None else (locks.put(write, found[0], clock.now()), found[1])
        endpoint, revision = service.deploy(write, name, request_id, asked, clock.now(), ready)
        return endpoint.name, revision.number

    accepted, number = await database.write(accept)
    return DeploymentView(await _view(database, reach, accepted), number)


@get("/", summary="All endpoints; with `activity` what they did in the last minute", opt=READ)
async def list_endpoints(database: Database, reach: Reach, activity: bool = False) -> list[EndpointView]:
    recent = await reach.recent(await database.read(store.list_all)) if activity else {}

    def look(read: Read) -> list[EndpointView]:
        there = store.list_all(read)
        found = store.revisions_of(read, [each.name for each in there])
        return [
            with_activity(
                reach.view(read, each, [revision for revision in found if revision.endpoint == each.name]),
                recent.get(each.name),
            )
            for each in there
        ]

    return await database.read(look)


@get(
    "/{name:str}",
    summary="One endpoint; with `after` once its version is another one, or after `wait` seconds",
    opt=READ,
)
async def show(
    name: str,
    database: Database,
    reach: Reach,
    notifications: Notifications,
    after: int | None = None,
    wait: Wait = 0.0,
    activity: bool = False,
) -> EndpointView:
    """`activity`: what it did in the last minute, too."""
    with notifications.subscribe(service.topic(name)) as subscription:
        found = await _view(database, reach, name)
        if after is not None and found.version == after and wait:
            await subscription.wait(wait)
            found = await _view(database, reach, name)
    if not activity:
        return found
    recent = await reach.recent([await database.read(lambda read: service.get(read, name))])
    return await asyncio.to_thread(with_activity, found, recent.get(name))


@patch("/{name:str}", summary="Change traffic, limits, keys' use and what it is called", opt=CONTRIBUTE)
async def change(
    name: str, data: EndpointChange, database: Database, clock: Clock, reach: Reach
) -> EndpointView:
    await database.write(lambda write: service.change(write, name, data, clock.now()))
    return await _view(database, reach, name)


@post(
    "/{name:str}/rollback", status_code=200, summary="Have an earlier revision answer again", opt=CONTRIBUTE
)
async def roll_back(
    name: str, database: Database, clock: Clock, reach: Reach, revision: int | None = None
) -> EndpointView:
    await database.write(lambda write: service.roll_back(write, name, revision, clock.now()))
    return await _view(database, reach, name)


@post(
    "/{name:str}/try",
    status_code=200,
    summary="Have its script answer a body, without a key of one's own",
    opt=CONTRIBUTE,
)
async def try_it(name: str, data: TryRequest, database: Database, reach: Reach, tries: Tries) -> TryAnswer:
    endpoint = await database.read(lambda read: service.get(read, name))
    return await tries.ask(reach, endpoint, data.body)


@delete("/{name:str}", summary="Delete an endpoint once it has answered what it was asked", opt=OWN)
async def remove(name: str, database: Database, clock: Clock) -> None:
    await database.write(lambda write: service.delete(write, name, clock.now()))


@get("/{name:str}/keys", summary="Both keys", opt=CONTRIBUTE)
async def keys(name: str, database: Database, folder: WorkspaceFolder) -> KeysView:
    place = await _with_keys(database, folder, name)
    return await asyncio.to_thread(place.keys)


@post(
    "/{name:str}/keys/{which:str}",
    status_code=200,
    summary="Put a new key in the place of one",
    opt=CONTRIBUTE,
)
async def new_key(
    name: str, which: str, database: Database, folder: WorkspaceFolder, notifications: Notifications
) -> KeysView:
    if which not in ("primary", "secondary"):
        raise UserErrorException(f"There is no key {which[:80]!r}. Use 'primary' or 'secondary'.")
    place = await _with_keys(database, folder, name)
    changed = await asyncio.to_thread(place.change_key, which)
    notifications.notify({service.ENDPOINTS})
    return changed


@get("/{name:str}/logs", summary="What its workers and its front wrote last", opt=READ)
async def logs(
    name: str, database: Database, reach: Reach, revision: int | None = None, lines: int = 5000
) -> LogView:
    endpoint = await database.read(lambda read: service.get(read, name))
    number = endpoint.latest if revision is None else revision
    text = await reach.log_text(endpoint, number, _LONGEST_LOG)
    return LogView("".join(text.splitlines(keepends=True)[-max(0, lines) :]))


@get("/{name:str}/requests", summary="The last requests that were kept, with their answers", opt=READ)
async def kept_requests(
    name: str, database: Database, reach: Reach, limit: Count = 1000
) -> list[KeptRequest]:
    endpoint = await database.read(lambda read: service.get(read, name))
    return await reach.kept_requests(endpoint, limit)


async def _view(database: Database, reach: Reach, name: str) -> EndpointView:
    return await database.read(lambda read: reach.view(read, service.get(read, name)))


async def _with_keys(database: Database, folder: WorkspaceFolder, name: str) -> EndpointFolder:
    """Raises NotFound, and UserErrorException for an endpoint that asks for none."""
    endpoint = await database.read(lambda read: service.get(read, name))
    if not endpoint.settings.auth_enabled:
        raise UserErrorException(
            f"{name} asks for no key. update(auth_enabled=True), or `faena endpoint update {name} --auth`, gives it "
            "two."
        )
    place = EndpointFolder.of(folder.path, name)
    await asyncio.to_thread(place.make)
    return place


_HANDLERS = [
    deploy,
    list_endpoints,
    show,
    change,
    roll_back,
    try_it,
    remove,
    keys,
    new_key,
    logs,
    kept_requests,
]
router = Router("/endpoints", route_handlers=_HANDLERS, tags=["endpoints"])
