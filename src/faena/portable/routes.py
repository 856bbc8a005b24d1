"""HTTP of exported runs. The folder is on the server's own host: no byte of it travels."""

from __future__ import annotations

import asyncio

from litestar import Router, post

from faena.db import Database
from faena.kernel.clock import Clock
from faena.kernel.lanes import BYTES
from faena.objects.service import Objects
from faena.portable import exporting, importing, places
from faena.portable.exporting import Parts
from faena.portable.schemas import ExportRequest, ExportView, ImportRequest, ImportView
from faena.workspaces.model import WorkspaceFolder

_one_at_a_time = asyncio.Lock()
"""Two imports of one run would count each other's rows as left by one that was cut short."""


@post("/runs/{run_id:str}/export", status_code=200, summary="Write a run into a folder of this host")
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


@post(
    "/imports", status_code=200, summary="Take in a run from a folder of this host; repeating has no effect"
)
async def import_run(data: ImportRequest, database: Database, objects: Objects, clock: Clock) -> ImportView:
    parts = Parts(database, objects.files, clock)
    async with _one_at_a_time:
        return await BYTES.run(lambda: importing.take(parts, places.of_import(data.folder)))


router = Router("/", route_handlers=[export_run, import_run], tags=["exported runs"])
