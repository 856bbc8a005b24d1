"""HTTP of datastores and their files. Paths travel in bodies and queries, where nothing rewrites them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from litestar import Request, delete, get, put
from litestar.response import Stream

from faena.data import safe_paths
from faena.data.datastores import service
from faena.data.datastores.model import Datastore, check_folder
from faena.data.datastores.schemas import (
    DatastoreView,
    FilesView,
    FolderRequest,
    Removed,
    Taken,
    TakeRequest,
)
from faena.db import Database
from faena.kernel import digests
from faena.kernel.clock import Clock
from faena.kernel.errors import UserErrorException
from faena.kernel.lanes import BYTES
from faena.kernel.rights import CONTRIBUTE, OWN, READ
from faena.kernel.routing import SOME_BYTES, Router
from faena.objects import ranges
from faena.objects.service import Objects
from faena.workspaces.model import WorkspaceFolder


@get("/", summary="Datastores of the workspace", opt=READ)
async def list_datastores(database: Database, folder: WorkspaceFolder) -> list[DatastoreView]:
    found = await database.read(lambda read: service.list_all(read, folder))
    return [service.view(datastore) for datastore in found]


@get("/{name:str}", summary="A datastore", opt=READ)
async def show(name: str, database: Database, folder: WorkspaceFolder) -> DatastoreView:
    return service.view(await _find(name, database, folder))


@put(
    "/{name:str}",
    status_code=200,
    summary="Register a folder of this host; repeating it has no second effect",
    opt=CONTRIBUTE,
)
async def register(
    name: str, data: FolderRequest, database: Database, folder: WorkspaceFolder, clock: Clock
) -> DatastoreView:
    place = await BYTES.run(check_folder, data.folder, folder.path)
    now = clock.now()
    await database.write(
        lambda write: service.register(write, name, place, overwrite=data.overwrite, now=now)
    )
    return service.view(await _find(name, database, folder))


@delete("/{name:str}", summary="Forget a registered folder; its files stay", opt=OWN)
async def unregister(name: str, database: Database) -> None:
    await database.write(lambda write: service.unregister(write, name))


@put("/{name:str}/default", status_code=204, summary="Make a datastore the default one", opt=CONTRIBUTE)
async def set_default(name: str, database: Database) -> None:
    await database.write(lambda write: service.set_default(write, name))


@get("/{name:str}/files", summary="The files that a path or pattern means", opt=READ)
async def list_files(
    name: str, database: Database, folder: WorkspaceFolder, path: str = "", tagged: bool = False
) -> FilesView:
    """`tagged`: with what tells each file from what it was before somebody wrote it."""
    datastore = await _find(name, database, folder)
    return await BYTES.run(service.list_files, datastore, path, tagged=tagged)


@get(
    "/{name:str}/content",
    summary="A file's bytes",
    media_type=SOME_BYTES,
    responses=ranges.REST,
    opt=READ,
)
async def content(
    name: str, path: str, database: Database, folder: WorkspaceFolder, request: Request[Any, Any, Any]
) -> Stream:
    datastore = await _find(name, database, folder)
    file = await BYTES.run(lambda: service.open_file(datastore, path).open("rb"))
    return await ranges.of_file(file, request)


@put(
    "/{name:str}/content",
    status_code=200,
    summary="Take a file of the server's own host, or an object",
    opt=CONTRIBUTE,
)
async def take(
    name: str, data: TakeRequest, database: Database, folder: WorkspaceFolder, objects: Objects
) -> Taken:
    datastore = await _find(name, database, folder)
    if data.digest and data.source:
        raise UserErrorException("Both `source` and `digest` are given. Give one of them.")
    if data.digest:
        sent = await BYTES.run(objects.files.open, digests.check(data.digest))
        if await BYTES.run(service.take, datastore, data.path, sent, overwrite=data.overwrite):
            return Taken(True)
        return Taken(False, await BYTES.run(service.has, datastore, data.path, data.digest))
    written = await BYTES.run(
        service.take_file, datastore, data.path, Path(data.source), overwrite=data.overwrite
    )
    return Taken(written)


@delete(
    "/{name:str}/content", status_code=200, summary="Remove a file, or a folder with what it holds", opt=OWN
)
async def remove(name: str, path: str, database: Database, folder: WorkspaceFolder) -> Removed:
    datastore = service.ready(await _find(name, database, folder))
    return Removed(await BYTES.run(safe_paths.remove, datastore.folder, path))


async def _find(name: str, database: Database, folder: WorkspaceFolder) -> Datastore:
    return await database.read(lambda read: service.get(read, name, folder))


router = Router(
    "/datastores",
    route_handlers=[
        list_datastores,
        show,
        register,
        unregister,
        set_default,
        list_files,
        content,
        take,
        remove,
    ],
    tags=["data"],
)
