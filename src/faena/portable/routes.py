"""HTTP of exported runs. A folder on the server's own host is written and read there; one elsewhere goes by objects."""

from __future__ import annotations

import asyncio

from litestar import post

from faena.db import Database
from faena.kernel.batches import LONGEST_LIST
from faena.kernel.clock import Clock
from faena.kernel.lanes import BYTES
from faena.kernel.rights import CONTRIBUTE, HOST, READ
from faena.kernel.routing import Router
from faena.objects.service import Objects
from faena.portable import exporting, importing, places, sending
from faena.portable.exporting import Parts
from faena.portable.schemas import (
    ExportRequest,
    ExportView,
    ExportWanted,
    ImportRequest,
    ImportView,
    SentExport,
    SentImport,
)
from faena.workspaces.model import WorkspaceFolder

_one_at_a_time = asyncio.Lock()
"""Two imports of one run would count each other's rows as left by one that was cut short."""


@post(
    "/runs/{run_id:str}/export", status_code=200, summary="Write a run into a folder of this host", opt=HOST
)
async def export_run(
    run_id: str,
    data: ExportRequest,
    database: Database,
    objects: Objects,
    clock: Clock,
    folder: WorkspaceFolder,
) -> ExportView:
    parts = Parts(database, objects.files, clock)

    def work() -> ExportView:
        exporting.check(parts, run_id, children=data.children)
        with places.for_export(data.folder, folder.path) as target:
            return exporting.export(parts, run_id, target, children=data.children)

    return await BYTES.run(work)


@post("/runs/{run_id:str}/exported", status_code=200, summary="Have a run's folder as objects", opt=READ)
async def export_by_bytes(
    run_id: str,
    data: ExportWanted,
    database: Database,
    objects: Objects,
    clock: Clock,
    folder: WorkspaceFolder,
) -> SentExport:
    parts = Parts(database, objects.files, clock)

    def work() -> SentExport:
        exporting.check(parts, run_id, children=data.children)
        return sending.export(parts, run_id, folder.uploads, children=data.children)

    return await BYTES.run(work)


@post(
    "/imports/sent",
    status_code=200,
    summary="Take in a run whose files were sent; repeating has no effect",
    request_max_body_size=LONGEST_LIST,
    opt=CONTRIBUTE,
)
async def import_sent(
    data: SentImport, database: Database, objects: Objects, clock: Clock, folder: WorkspaceFolder
) -> ImportView:
    parts = Parts(database, objects.files, clock)
    await objects.sent({file.digest for file in data.files})
    shown = data.shown[:1000]
    async with _one_at_a_time:
        return await BYTES.run(lambda: sending.take(parts, data.files, folder.uploads, shown))


@post(
    "/imports",
    status_code=200,
    summary="Take in a run from a folder of this host; repeating has no effect",
    opt=CONTRIBUTE,
)
async def import_run(data: ImportRequest, database: Database, objects: Objects, clock: Clock) -> ImportView:
    parts = Parts(database, objects.files, clock)
    async with _one_at_a_time:
        return await BYTES.run(lambda: importing.take(parts, places.of_import(data.folder)))


router = Router(
    "/", route_handlers=[export_run, export_by_bytes, import_run, import_sent], tags=["exported runs"]
)
