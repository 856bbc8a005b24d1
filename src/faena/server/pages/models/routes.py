"""HTTP of the pages of models."""

from __future__ import annotations

import posixpath
from typing import Annotated
from urllib.parse import quote

from litestar import Response, get, post
from litestar.params import Parameter
from litestar.response import Redirect, Stream

from faena.db import Database, Read
from faena.kernel.clock import Clock
from faena.kernel.errors import NotFound, UserErrorException
from faena.kernel.rights import CONTRIBUTE, READ
from faena.models import aliasing
from faena.objects.service import Objects
from faena.server.bodies import TypedRequest
from faena.server.pages import forms
from faena.server.pages.addresses import model_address
from faena.server.pages.browser_rights import MODEL_ACTIONS
from faena.server.pages.list_parameters import Start, Text
from faena.server.pages.models import list as model_list
from faena.server.pages.models import page as model_page
from faena.server.pages.rendering import page, render
from faena.workspaces.model import WorkspaceFolder

Version = Annotated[int | None, Parameter(query="version", ge=1, le=2**31 - 1)]


@get("/models", summary="Page: registered models, each with its latest version", opt=READ)
async def models(
    database: Database, folder: WorkspaceFolder, text: Text = "", start: Start = 0
) -> Response[str]:
    def build(read: Read) -> str:
        found = model_list.build(read, text, start)
        return render(
            "models.html", found=found, workspace=folder.name, place=folder.path.parent, here="models"
        )

    return page(await database.read(build))


@get(
    "/models/{name:str}",
    summary="Page: a model, one version of it whole and all of them side by side",
    opt=READ,
)
async def model(
    name: str,
    database: Database,
    clock: Clock,
    folder: WorkspaceFolder,
    version: Version = None,
    start: Start = 0,
    done: str = "",
) -> Response[str]:
    def build(read: Read) -> str:
        found = model_page.build(read, name, version, start, clock.now())
        return render(
            "model.html",
            part=found,
            done=forms.DONE.get(done, ""),
            workspace=folder.name,
            place=folder.path.parent,
            here="models",
        )

    return page(await database.read(build))


@get("/models/{name:str}/{version:int}/files/{file:path}", summary="A file of a model, to be saved", opt=READ)
async def model_file(name: str, version: int, file: str, database: Database, objects: Objects) -> Stream:
    """Never shown in a window of ours, whatever it is."""
    path = file.removeprefix("/")
    found = await database.read(lambda read: model_page.file(read, name, version, path))
    saved = quote(posixpath.basename(path), safe="")
    headers = {"content-disposition": f"attachment; filename*=UTF-8''{saved}", "cache-control": "no-store"}
    return Stream(await objects.read(found.digest), media_type="application/octet-stream", headers=headers)


@post(
    "/models/{name:str}/do/{action:str}",
    summary="Have an alias mean a version, or take one away",
    request_max_body_size=forms.MOST_BYTES,
    opt=CONTRIBUTE,
)
async def do(name: str, action: str, request: TypedRequest, database: Database, clock: Clock) -> Redirect:
    if action not in MODEL_ACTIONS:
        raise NotFound(f"Nothing on a model's page does {action[:80]!r}.")
    fields = await forms.fields(request)
    alias, version = fields.get("alias", "").strip(), _version(fields.get("version", ""))
    if action == "alias":
        await database.write(lambda write: aliasing.put(write, name, alias, version, clock.now()))
    else:
        await database.write(lambda write: aliasing.remove(write, name, alias, version))
    return forms.go_on(model_address(name), action, version=str(version))


def _version(given: str) -> int:
    if given.isascii() and given.isdecimal() and len(given) < 10:
        return int(given)
    raise UserErrorException(f"{given[:80]!r} is no version of a model. Use a whole number from 1 up.")


handlers = [models, model, model_file, do]
