"""HTTP of a run's files: saved as they are, or looked at as a page of ours."""

from __future__ import annotations

import asyncio
import contextlib
import io
import posixpath
from collections.abc import AsyncIterator
from functools import partial
from typing import IO
from urllib.parse import quote

from litestar import Response, get
from litestar.response import Stream
from msgspec import Struct

from faena.db import Database, Read
from faena.kernel.clock import Clock
from faena.kernel.errors import Conflict, NotFound
from faena.kernel.lanes import BYTES
from faena.kernel.rights import READ
from faena.objects.service import Objects, begun, parts
from faena.runs import service
from faena.runs.current_files import CurrentFiles, Opened
from faena.server.pages.previews import images
from faena.server.pages.previews.contents import Preview, preview
from faena.server.pages.rendering import file_address, page, render
from faena.server.pages.run import top as run_top
from faena.tracking import files, query
from faena.workspaces.model import WorkspaceFolder

_LARGEST_LIVE = 64 << 20
"""Bytes of a file that is copied to be looked at, since its script may write it."""
_LARGEST_ARCHIVE = 512 << 20
"""Bytes that are verified before they are read in any order."""
_LOG = 1 << 20
"""Bytes of a log's beginning that are looked at as a file."""
_ALONE = "default-src 'none'; sandbox"
"""What an image may do where somebody opens it by itself."""


class Found(Struct, frozen=True):
    """Where the bytes are: in the object store, or in a log's parts."""

    size: int
    digest: str = ""


@get("/{run_id:str}/files/{name:path}", summary="A file of a run, to be saved", opt=READ)
async def download(
    run_id: str,
    name: str,
    database: Database,
    objects: Objects,
    current: CurrentFiles,
    attempt: int | None = None,
) -> Stream:
    """`attempt`: of a log, the one of this attempt. Never shown in a window of ours, whatever it is."""
    name = name.removeprefix("/")
    saved = quote(posixpath.basename(name), safe="")
    headers = {"content-disposition": f"attachment; filename*=UTF-8''{saved}", "cache-control": "no-store"}
    opened = Opened() if attempt is not None else await current.open(run_id, name)
    if opened.file is not None:
        return Stream(parts(opened.file), media_type="application/octet-stream", headers=headers)
    kept = await _kept(run_id, name, database, opened.untold)
    content = await (
        objects.read(kept.digest)
        if kept.digest
        else begun(_log_parts(run_id, name, database, objects, attempt))
    )
    return Stream(content, media_type="application/octet-stream", headers=headers)


@get("/{run_id:str}/preview/{name:path}", summary="Page: what a file of a run holds", opt=READ)
async def show_file(
    run_id: str,
    name: str,
    database: Database,
    objects: Objects,
    clock: Clock,
    folder: WorkspaceFolder,
    current: CurrentFiles,
) -> Response[str]:
    name = name.removeprefix("/")
    top = await database.read(lambda read: run_top.build(read, run_id, clock.now()))
    try:
        file, size = await _opened(run_id, name, database, objects, current)
        shown = await BYTES.run(_look, name, file, size)
    except Conflict as error:
        size, shown = 0, Preview(said=error.message)
    around = {"workspace": folder.name, "place": folder.path.parent, "here": "runs"}
    text = await asyncio.to_thread(
        lambda: render(
            "file.html",
            top=top,
            name=name,
            size=size,
            shown=shown,
            save=file_address(run_id, name),
            image=file_address(run_id, name, "images"),
            **around,
        )
    )
    return page(text)


@get("/{run_id:str}/images/{name:path}", summary="An image among the files of a run", opt=READ)
async def show_image(
    run_id: str, name: str, database: Database, objects: Objects, current: CurrentFiles
) -> Stream:
    """PNG, JPEG, GIF and WebP by their bytes; anything else is refused, whatever it is called."""
    name = name.removeprefix("/")
    file, size = await _opened(run_id, name, database, objects, current)
    head = await BYTES.run(file.read, images.HEAD)
    kind = images.media_type(head) if size <= images.LARGEST else ""
    if not kind:
        file.close()
        raise NotFound(
            f"The file {name[:200]!r} is no image that is shown here. Save it from the run's page."
        )
    headers = {
        "content-security-policy": _ALONE,
        "content-disposition": "inline",
        "cache-control": "no-store",
    }
    return Stream(parts(file, head), media_type=kind, headers=headers)


def _look(name: str, file: IO[bytes], size: int) -> Preview:
    with file:
        return preview(name, file, size)


async def _opened(
    run_id: str, name: str, database: Database, objects: Objects, current: CurrentFiles
) -> tuple[IO[bytes], int]:
    """Raises NotFound, and Conflict for what is written while it is read or is too large to be copied first."""
    opened = await current.open(run_id, name, _LARGEST_LIVE)
    if opened.file is not None:
        return opened.file, opened.size
    kept = await _kept(run_id, name, database, opened.untold)
    if kept.digest and name.lower().endswith(".npz"):  # its list of members is at the end
        if kept.size > _LARGEST_ARCHIVE:
            raise Conflict(
                "This archive is too large to be looked into here. Save it, or load it in a notebook."
            )
        return await BYTES.run(objects.files.open_to_seek, kept.digest), kept.size
    if kept.digest:
        return await BYTES.run(objects.files.open, kept.digest), kept.size
    part = await database.read(
        partial(query.log_text, objects=objects.files, run_id=run_id, name=name, limit=_LOG)
    )
    return io.BytesIO(part.data), part.size


async def _kept(run_id: str, name: str, database: Database, untold: str) -> Found:
    """A file or a log. Raises NotFound; `untold`: why it may be one all the same."""

    def find(read: Read) -> Found:
        service.get(read, run_id)
        with contextlib.suppress(NotFound):
            kept = files.file(read, run_id, name)
            return Found(kept.size, kept.digest)
        log = next((each for each in query.logs(read, run_id) if each.name == name), None)
        if log is None:
            advice = untold or "Its page lists its files."
            raise NotFound(f"Run {run_id} has no file {name[:200]!r}. {advice}")
        return Found(log.size)

    return await database.read(find)


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


handlers = [download, show_file, show_image]
