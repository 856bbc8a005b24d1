"""HTTP of backups. The folder is on the server's own host: no byte of it travels."""

from __future__ import annotations

from typing import Annotated

from litestar import Router, get, put
from litestar.params import Parameter

from faena.backups.schemas import BackupRequest, BackupView
from faena.backups.service import Backups


@put("/{backup_id:str}", status_code=200, summary="Begin a backup into a folder of this host")
async def start_backup(backup_id: str, data: BackupRequest, backups: Backups) -> BackupView:
    return await backups.start(backup_id, data)


@get("/{backup_id:str}", summary="How far a backup is, after its next step or `wait` seconds")
async def look_at_backup(
    backup_id: str, backups: Backups, wait: Annotated[float, Parameter(ge=0, le=30)] = 0.0
) -> BackupView:
    return await backups.look(backup_id, wait)


router = Router("/backups", route_handlers=[start_backup, look_at_backup], tags=["backups"])
