"""HTTP of the pages. A page is built and rendered on a reader's thread, so that it holds up nobody."""

from __future__ import annotations

from typing import Annotated

from litestar import Response, Router, get
from litestar.params import Parameter
from litestar.response import Redirect, Stream

from faena.db import Database, Read
from faena.kernel.bells import Bells
from faena.kernel.clock import Clock
from faena.kernel.errors import NotFound
from faena.server.pages import runs_table, streams
from faena.server.pages.rendering import STATIC, VERSION, render
from faena.workspaces.model import WorkspaceFolder

_KEPT = "private, max-age=31536000, immutable"


def page(text: str, status: int = 200) -> Response[str]:
    headers = {"cache-control": "no-store"}
    return Response(text, status_code=status, media_type="text/html; charset=utf-8", headers=headers)


@get("/", summary="The first page: the runs")
async def home() -> Redirect:
    return Redirect(runs_table.PATH)


@get("/static/{version:str}/{name:str}", summary="A script or a style of the pages")
async def static(version: str, name: str) -> Response[bytes]:
    file = STATIC.get(name)
    if file is None:
        raise NotFound(f"There is no static file {name[:80]!r}.")
    kept = _KEPT if version == VERSION else "no-store"
    return Response(file.data, media_type=file.media_type, headers={"cache-control": kept})


@get("/runs", summary="Page: the runs that a filter means, sorted")
async def runs(
    database: Database,
    clock: Clock,
    folder: WorkspaceFolder,
    text: Annotated[str, Parameter(query="filter")] = "",
    sort: str = "",
    after: str = "",
    experiment: str = "",
    children: bool = False,
    part: str = "",
) -> Response[str]:
    """`part=table`: the table alone, for a page that is open."""
    asked = runs_table.Asked(text, sort, after, experiment, children)

    def build(read: Read) -> tuple[str, int]:
        table = runs_table.build(read, asked, clock.now())
        template = "_runs.html" if part == "table" else "runs.html"
        return render(template, table=table, workspace=folder.name, here="runs"), 400 if table.error else 200

    return page(*await database.read(build))


@get("/changes", summary="Stream: something about the runs has changed")
async def changes(bells: Bells) -> Stream:
    return streams.answer(streams.changes(bells))


@get("/open", summary="Stream: says nothing, and keeps the server from leaving while it is open")
async def stay() -> Stream:
    return streams.answer(streams.silence())


router = Router("/ui", route_handlers=[home, static, runs, changes, stay], tags=["pages"])
