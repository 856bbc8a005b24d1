"""HTTP of backups and repairs. The folder is on the server's own host: no byte of it travels."""

from __future__ import annotations

import asyncio
from typing import Annotated

from litestar import get, post, put
from litestar.params import Parameter

from faena.backups.repairing import Repair
from faena.backups.schemas import BackupRequest, BackupView, RepairRequest, RepairView
from faena.backups.service import Backups
from faena.db import Database
from faena.kernel.clock import Clock
from faena.kernel.lanes import BYTES
from faena.kernel.rights import OWN
from faena.kernel.routing import Router
from faena.objects.service import Objects
from faena.workspaces.model import WorkspaceFolder

_one_at_a_time = asyncio.Lock()


@put("/{backup_id:str}", status_code=200, summary="Begin a backup into a folder of this host", opt=OWN)
async def start_backup(backup_id: str, data: BackupRequest, backups: Backups) -> BackupView:
    return await backups.start(backup_id, data)


@get("/{backup_id:str}", summary="How far a backup is, after its next step or `wait` seconds", opt=OWN)
async def look_at_backup(
    backup_id: str, backups: Backups, wait: Annotated[float, Parameter(ge=0, le=30)] = 0.0
) -> BackupView:
    return await backups.look(backup_id, wait)


@post(
    "/repairs",
    status_code=200,
    summary="Bring back objects that are damaged or gone; says what is lost",
    opt=OWN,
)
async def repair(
    data: RepairRequest, database: Database, objects: Objects, clock: Clock, folder: WorkspaceFolder
) -> RepairView:
    async with _one_at_a_time:
        return await BYTES.run(Repair(folder, database, objects.files, clock).make, data)


router = Router(
    "/",
    route_handlers=[Router("/backups", route_handlers=[start_backup, look_at_backup]), repair],
    tags=["backups"],
)
