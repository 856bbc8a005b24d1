"""HTTP of the model registry."""

from __future__ import annotations

import msgspec
from litestar import delete, get, patch, put

from faena.db import Database, Write
from faena.kernel.batches import LONGEST_LIST
from faena.kernel.clock import Clock
from faena.kernel.errors import UserErrorException
from faena.kernel.rights import CONTRIBUTE, READ
from faena.models import aliasing, live, local, names, service, staging
from faena.models.model import Label, Search
from faena.models.schemas import (
    AliasChange,
    LocalRegistration,
    ModelChange,
    ModelNameView,
    ModelView,
    Registration,
    SentRegistration,
    StageChange,
)
from faena.objects.service import Objects
from faena.runs.current_files import CurrentFiles


@put(
    "/{name:str}/registrations/{request_id:str}",
    summary="Register files of a run; repeating it has no second effect",
    opt=CONTRIBUTE,
)
async def register(
    name: str,
    request_id: str,
    data: Registration,
    database: Database,
    objects: Objects,
    clock: Clock,
    current: CurrentFiles,
) -> ModelView:
    return await live.register(database, objects, clock, current, name, request_id, data)


@put(
    "/{name:str}/registrations/{request_id:str}/local",
    summary="Register a file or folder of the server's own host; repeating it has no second effect",
    opt=CONTRIBUTE,
)
async def register_local(
    name: str, request_id: str, data: LocalRegistration, database: Database, objects: Objects, clock: Clock
) -> ModelView:
    return await local.register(database, objects, clock, name, request_id, data)


@put(
    "/{name:str}/registrations/{request_id:str}/sent",
    summary="Register files that were sent; repeating it has no second effect",
    request_max_body_size=LONGEST_LIST,
    opt=CONTRIBUTE,
)
async def register_sent(
    name: str, request_id: str, data: SentRegistration, database: Database, objects: Objects, clock: Clock
) -> ModelView:
    return await local.register(database, objects, clock, name, request_id, data)


@get(
    "/",
    summary="Registered models that match; tags and properties as a JSON list of [key] and [key, value]",
    opt=READ,
)
async def list_models(
    database: Database,
    name: str | None = None,
    version: int | None = None,
    run_id: str | None = None,
    framework: str | None = None,
    tags: str = "[]",
    properties: str = "[]",
    latest: bool = False,
) -> list[ModelView]:
    wanted = Search(
        name, version, run_id, framework, _labels("tags", tags), _labels("properties", properties)
    )
    return await database.read(lambda read: service.list_models(read, wanted, latest=latest))


@get("/{name:str}", summary="The latest version of a model", opt=READ)
async def show_latest(name: str, database: Database) -> ModelView:
    return await database.read(lambda read: service.view(read, service.get(read, name, None)))


@get("/{name:str}/versions/{version:int}", summary="One version of a model", opt=READ)
async def show_version(name: str, version: int, database: Database) -> ModelView:
    return await database.read(lambda read: service.view(read, service.get(read, name, version)))


@patch(
    "/{name:str}/versions/{version:int}", summary="Change a version's tags and description", opt=CONTRIBUTE
)
async def change(name: str, version: int, data: ModelChange, database: Database, clock: Clock) -> ModelView:
    return await database.write(lambda write: service.change(write, name, version, data, clock.now()))


@get("/{name:str}/aliases/{alias:str}", summary="The version of a model that an alias means now", opt=READ)
async def show_by_alias(name: str, alias: str, database: Database) -> ModelView:
    return await database.read(lambda read: service.view(read, aliasing.get(read, name, alias)))


@put(
    "/{name:str}/aliases/{alias:str}",
    summary="Have an alias mean a version, whichever it meant before",
    status_code=200,
    opt=CONTRIBUTE,
)
async def set_alias(name: str, alias: str, data: AliasChange, database: Database, clock: Clock) -> ModelView:
    return await database.write(lambda write: aliasing.put(write, name, alias, data.version, clock.now()))


@delete(
    "/{name:str}/aliases/{alias:str}",
    summary="Take an alias away; only while it means `version`, if given",
    opt=CONTRIBUTE,
)
async def remove_alias(name: str, alias: str, database: Database, version: int | None = None) -> None:
    """Silent when it was removed before."""
    await database.write(lambda write: aliasing.remove(write, name, alias, version))


@put(
    "/{name:str}/versions/{version:int}/stage",
    summary="Put a version into a stage: Staging, Production, Archived or none",
    status_code=200,
    opt=CONTRIBUTE,
)
async def set_stage(
    name: str, version: int, data: StageChange, database: Database, clock: Clock
) -> ModelView:
    def work(write: Write) -> ModelView:
        archive = data.archive_others
        moved = staging.move(write, name, version, data.stage, clock.now(), archive_others=archive)
        return service.view(write, moved)

    return await database.write(work)


@get(
    "/",
    summary="Models as such, with the number of their versions; `empty`: those without one only",
    opt=READ,
)
async def list_names(database: Database, empty: bool = False) -> list[ModelNameView]:
    return await database.read(lambda read: names.listed(read, empty=empty))


def _labels(what: str, given: str) -> tuple[Label, ...]:
    try:
        asked = msgspec.json.decode(given, type=list[list[str]])
    except (msgspec.DecodeError, RecursionError) as error:
        raise UserErrorException(f"{what} cannot be read: {error}. Send a JSON list of lists.") from error
    for label in asked:
        if not 1 <= len(label) <= 2:
            raise UserErrorException(f"{what}: {str(label)[:80]} is neither [key] nor [key, value].")
    return tuple(Label(*label) for label in asked)


handlers = [
    register,
    register_local,
    register_sent,
    list_models,
    show_latest,
    show_version,
    change,
    show_by_alias,
    set_alias,
    remove_alias,
    set_stage,
]
