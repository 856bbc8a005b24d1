"""HTTP of a run's page: its parts, its stream, its curves, its files."""

from __future__ import annotations

import asyncio
import contextlib
import posixpath
from collections.abc import AsyncIterator
from functools import partial
from typing import Annotated
from urllib.parse import quote

import msgspec
from litestar import Response, get
from litestar.params import Parameter
from litestar.response import Stream

from faena.db import Database, Read
from faena.kernel.clock import Clock
from faena.kernel.errors import NotFound
from faena.kernel.lanes import BYTES
from faena.kernel.notifications import Notifications
from faena.objects.service import Objects, begun, parts
from faena.runs import live_files, service
from faena.runs.model import HYPERDRIVE
from faena.server.pages import run_page, streams, sweep_page
from faena.server.pages.curves import curve
from faena.server.pages.rendering import page, render
from faena.server.pages.sweep_stream import with_trials_watched
from faena.tracking import files as run_files
from faena.tracking import query
from faena.tracking.model import SCRIPT
from faena.workspaces.model import WorkspaceFolder

Offset = Annotated[int, Parameter(ge=0, le=1 << 53)]
Pixels = Annotated[int, Parameter(ge=10, le=4000)]


@get("/{run_id:str}", summary="Page: a run")
async def show(
    run_id: str,
    database: Database,
    objects: Objects,
    clock: Clock,
    folder: WorkspaceFolder,
    log: str = "",
    sort: str = sweep_page.NEWEST,
    start: Annotated[int, Parameter(query="from", ge=0, le=10_000_000)] = 0,
) -> Response[str]:
    """`log`: the one to show; without it the one that says most. `sort`, `from`: of a sweep's trials."""

    live = await _live(run_id, database, folder)
    around = {"workspace": folder.name, "place": folder.path.parent, "here": "runs"}

    def build(read: Read) -> str:
        found = run_page.build(read, objects.files, run_id, log, clock.now(), live)
        sweep = sweep_page.sweep_of(read, service.get(read, run_id))
        if sweep is None:
            return render("run.html", page=found, top=found.top, **around)
        part = sweep_page.build(read, sweep, sweep_page.Asked(sort, start, log))
        return render("sweep.html", page=found, top=found.top, sweep=part, **around)

    return page(await database.read(build))


@get("/{run_id:str}/events", summary="Stream: a run's log and states as they come")
async def events(
    run_id: str,
    database: Database,
    objects: Objects,
    notifications: Notifications,
    log: str = "",
    offset: Offset = 0,
    chosen: bool = False,
) -> Stream:
    run = await database.read(lambda read: service.get(read, run_id))
    watched = streams.Watched(run_id, log, offset, chosen)
    found = streams.of_run(watched, database, objects.files, notifications)
    if run.type == HYPERDRIVE:
        found = with_trials_watched(found, run_id, database, notifications)
    return streams.answer(found)


@get("/{run_id:str}/curve", summary="A metric of a run, as many points as so many pixels can show")
async def show_curve(
    run_id: str,
    name: str,
    database: Database,
    objects: Objects,
    source: str = SCRIPT,
    pixels: Pixels = 400,
) -> Response[bytes]:
    def read_curve(read: Read) -> bytes:
        service.get(read, run_id)
        return msgspec.json.encode(curve(read, objects.files, run_id, name, source, pixels))

    data = await database.read(read_curve)
    return Response(data, media_type="application/json", headers={"cache-control": "no-store"})


@get("/{run_id:str}/files/{name:path}", summary="A file of a run, to be saved")
async def download(
    run_id: str,
    name: str,
    database: Database,
    objects: Objects,
    folder: WorkspaceFolder,
    attempt: int | None = None,
) -> Stream:
    """`attempt`: of a log, the one of this attempt. Never shown in a window of ours, whatever it is."""
    name = name.removeprefix("/")
    saved = quote(posixpath.basename(name), safe="")
    headers = {"content-disposition": f"attachment; filename*=UTF-8''{saved}", "cache-control": "no-store"}
    found = None if attempt is not None else (await _live(run_id, database, folder)).get(name)
    if found is not None:
        with contextlib.suppress(FileNotFoundError):  # it went meanwhile
            copy = await BYTES.run(live_files.copied, name, found, folder.attempts)
            return Stream(parts(copy), media_type="application/octet-stream", headers=headers)

    def find(read: Read) -> str | None:
        service.get(read, run_id)
        kept = next((each for each in run_files.files(read, run_id, name) if each.name == name), None)
        if kept is None and all(log.name != name for log in query.logs(read, run_id)):
            raise NotFound(f"Run {run_id} has no file {name[:200]!r}. Its page lists its files.")
        return kept.digest if kept else None

    digest = await database.read(find)
    kept = await (
        objects.read(digest) if digest else begun(_log_parts(run_id, name, database, objects, attempt))
    )
    return Stream(kept, media_type="application/octet-stream", headers=headers)


async def _live(run_id: str, database: Database, folder: WorkspaceFolder) -> dict[str, live_files.LiveFile]:
    there = await database.read(lambda read: live_files.folders(read, folder.attempts, run_id))
    return await asyncio.to_thread(live_files.look, there) if there else {}


async def _log_parts(
    run_id: str, name: str, database: Database, objects: Objects, attempt: int | None = None
) -> AsyncIterator[bytes]:
    offset = 0
    while True:
        part = await database.read(
            partial(
                query.log_text,
                objects=objects.files,
                run_id=run_id,
                name=name,
                offset=offset,
                attempt=attempt,
            )
        )
        if not part.data:
            return
        yield part.data
        offset = part.next_offset


handlers = [show, events, show_curve, download]
