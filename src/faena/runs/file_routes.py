"""HTTP of what a run wrote: its logs, its files, and what its environment held."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from typing import Any
from urllib.parse import quote

import msgspec
from litestar import Request, Response, get
from litestar.response import Stream

from faena.db import Database, Read
from faena.environments import store as locks
from faena.kernel import settings
from faena.kernel.errors import NotFound, UserErrorException
from faena.kernel.rights import READ
from faena.kernel.routing import SOME_BYTES
from faena.objects import ranges
from faena.objects.service import Objects, begun, parts
from faena.runs import service
from faena.runs.current_files import CurrentFiles
from faena.runs.schemas import FileView, LogView
from faena.tracking import files as run_files
from faena.tracking import query
from faena.tracking.model import LogFile, RunFile


@get("/{run_id:str}/logs", summary="A run's logs and their sizes", opt=READ)
async def logs(run_id: str, database: Database) -> list[LogView]:
    def read_logs(read: Read) -> list[LogView]:
        service.get(read, run_id)
        return [LogView(log.name, log.size) for log in query.logs(read, run_id)]

    return await database.read(read_logs)


@get(
    "/{run_id:str}/files",
    summary="A run's files, its logs among them; of one that goes on as they are now",
    opt=READ,
)
async def files(run_id: str, database: Database, current: CurrentFiles) -> Response[list[FileView]]:
    kept, logs = await database.read(lambda read: _files_and_logs(read, run_id))
    live = await current.look(run_id)
    views = {name: FileView(name, found.size) for name, found in (logs | kept).items()}
    views |= {name: FileView(name, size, live=True) for name, size in live.sizes.items()}
    headers = {settings.UNTOLD_HEADER: quote(live.untold)} if live.untold else {}
    return Response([view for _, view in sorted(views.items())], headers=headers)


@get(
    "/{run_id:str}/files/{name:path}",
    summary="A file's bytes; of a run that goes on as they are now",
    media_type=SOME_BYTES,
    responses=ranges.REST,
    opt=READ,
)
async def file(
    run_id: str,
    name: str,
    database: Database,
    objects: Objects,
    current: CurrentFiles,
    request: Request[Any, Any, Any],
    rank: int | None = None,
    attempt: int | None = None,
) -> Stream:
    """`rank`: of a log that several ranks have, whose. `attempt`: of a log, the one of this attempt."""
    name = name.removeprefix("/")
    if rank is not None or attempt is not None:
        await database.read(
            lambda read: query.log_text(
                read, objects.files, run_id, name, rank=rank, attempt=attempt, limit=1
            )
        )
        found = await begun(_log_parts(run_id, name, database, objects, rank, attempt))
        return Stream(found, media_type=SOME_BYTES)
    kept, logs = await database.read(lambda read: _files_and_logs(read, run_id))
    opened = await current.open(run_id, name)
    if opened.file is not None:
        return Stream(parts(opened.file), media_type=SOME_BYTES)
    if name in kept:
        return await ranges.of_object(objects, kept[name].digest, request)
    if name in logs:
        found = await begun(_log_parts(run_id, name, database, objects))
        return Stream(found, media_type=SOME_BYTES)
    live = await current.look(run_id)
    there = sorted({*logs, *kept, *live.files})
    shown = ", ".join(there[:20]) + (f" and {len(there) - 20} more" if len(there) > 20 else "")
    why = f" {untold}" if (untold := opened.untold or live.untold) else ""
    raise NotFound(f"Run {run_id} has no file {name[:300]!r}. There is: {shown or 'nothing yet'}.{why}")


@get("/{run_id:str}/lock", summary="What the run's environment held: exact versions, with hashes", opt=READ)
async def lock(run_id: str, database: Database) -> dict[str, Any]:
    def read_lock(read: Read) -> dict[str, Any]:
        run = service.get(read, run_id)
        found = locks.get(read, run.lock) if run.lock else None
        if found is None:
            raise UserErrorException(f"Run {run_id} has no environment yet: it is {run.shown_status}.")
        return {
            "digest": run.lock,
            "python": f"{found.interpreter.implementation} {found.interpreter.version}",
            "platform": found.platform,
            "requirements": found.requirements,
            "archives": msgspec.to_builtins(found.archives),
            "build_constraints": list(found.build_constraints),
            "interpreter": msgspec.to_builtins(found.interpreter),
            "built": found.built,
        }

    return await database.read(read_lock)


async def _log_parts(
    run_id: str,
    name: str,
    database: Database,
    objects: Objects,
    rank: int | None = None,
    attempt: int | None = None,
) -> AsyncIterator[bytes]:
    offset = 0
    while True:
        read_part = partial(
            query.log_text,
            objects=objects.files,
            run_id=run_id,
            name=name,
            offset=offset,
            rank=rank,
            attempt=attempt,
        )
        part = await database.read(read_part)
        if not part.data:
            return
        yield part.data
        offset = part.next_offset


def _files_and_logs(read: Read, run_id: str) -> tuple[dict[str, RunFile], dict[str, LogFile]]:
    service.get(read, run_id)
    kept = {file.name: file for file in run_files.files(read, run_id)}
    return kept, {log.name: log for log in query.logs(read, run_id)}


handlers = [logs, files, file, lock]
