"""HTTP of the pages of models."""

from __future__ import annotations

import posixpath
from typing import Annotated
from urllib.parse import quote

from litestar import Response, get
from litestar.params import Parameter
from litestar.response import Stream

from faena.db import Database, Read
from faena.kernel.clock import Clock
from faena.objects.service import Objects
from faena.server.pages.list_parameters import Start, Text
from faena.server.pages.models import list as model_list
from faena.server.pages.models import page as model_page
from faena.server.pages.rendering import page, render
from faena.workspaces.model import WorkspaceFolder

Version = Annotated[int | None, Parameter(query="version", ge=1, le=2**31 - 1)]


@get("/models", summary="Page: registered models, each with its latest version")
async def models(
    database: Database, folder: WorkspaceFolder, text: Text = "", start: Start = 0
) -> Response[str]:
    def build(read: Read) -> str:
        found = model_list.build(read, text, start)
        return render(
            "models.html", found=found, workspace=folder.name, place=folder.path.parent, here="models"
        )

    return page(await database.read(build))


@get("/models/{name:str}", summary="Page: a model, one version of it whole and all of them side by side")
async def model(
    name: str,
    database: Database,
    clock: Clock,
    folder: WorkspaceFolder,
    version: Version = None,
    start: Start = 0,
) -> Response[str]:
    def build(read: Read) -> str:
        found = model_page.build(read, name, version, start, clock.now())
        return render(
            "model.html", part=found, workspace=folder.name, place=folder.path.parent, here="models"
        )

    return page(await database.read(build))


@get("/models/{name:str}/{version:int}/files/{file:path}", summary="A file of a model, to be saved")
async def model_file(name: str, version: int, file: str, database: Database, objects: Objects) -> Stream:
    """Never shown in a window of ours, whatever it is."""
    path = file.removeprefix("/")
    found = await database.read(lambda read: model_page.file(read, name, version, path))
    saved = quote(posixpath.basename(path), safe="")
    headers = {"content-disposition": f"attachment; filename*=UTF-8''{saved}", "cache-control": "no-store"}
    return Stream(await objects.read(found.digest), media_type="application/octet-stream", headers=headers)


handlers = [models, model, model_file]
