"""HTTP of the comparison of runs: the page, and the parts of it that are asked for once it is there."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Response, get
from litestar.params import Parameter

from faena.db import Database, Read
from faena.kernel.rights import READ
from faena.objects.service import Objects
from faena.server.pages.charts import first_curves
from faena.server.pages.compare import page as compare_page
from faena.server.pages.compare.page import MOST_RUNS
from faena.server.pages.list_parameters import Axis, Search
from faena.server.pages.rendering import page, render
from faena.workspaces.model import WorkspaceFolder
from faena.workspaces.view_store import list_views

Runs = Annotated[list[str] | None, Parameter(query="run", max_items=MOST_RUNS)]


@get("/", summary="Page: runs side by side", opt=READ)
async def show(
    database: Database,
    folder: WorkspaceFolder,
    runs: Runs = None,
    axis: Axis = "",
    search: Search = "",
) -> Response[str]:
    def build(read: Read) -> str:
        found = compare_page.build(read, runs or [])
        around = {"workspace": folder.name, "place": folder.path.parent, "here": "runs"}
        first = first_curves.address([each.id for each in found.runs], found.names, axis, search)
        views = list_views(read, "compare")
        return render("compare.html", page=found, views=views, first_curves=first, **around)

    return page(await database.read(build))


@get("/names", summary="Names of all metrics of the compared runs", opt=READ)
async def names(database: Database, runs: Runs = None) -> Response[bytes]:
    return _json(await database.read(lambda read: compare_page.all_names(read, runs or [])))


@get("/figures", summary="Parameters that differ and last values of metrics", opt=READ)
async def figures(database: Database, runs: Runs = None) -> Response[bytes]:
    return _json(await database.read(lambda read: compare_page.figures(read, runs or [])))


@get("/differences", summary="Part of the page: what differs", opt=READ)
async def differences(database: Database, runs: Runs = None) -> Response[str]:
    def build(read: Read) -> str:
        found = compare_page.differences(read, runs or [])
        there = compare_page.build(read, runs or [])
        return render("compare/differences.html", tables=found, page=there)

    return page(await database.read(build))


@get("/code", summary="Part of the page: lines that differ in the code of two runs", opt=READ)
async def code(left: str, right: str, database: Database, objects: Objects) -> Response[str]:
    def build(read: Read) -> str:
        section = compare_page.changed_lines(read, objects.files, left, right)
        return render("compare/code.html", section=section, left=left, right=right)

    return page(await database.read(build))


def _json(value: Any) -> Response[bytes]:
    headers = {"cache-control": "no-store"}
    return Response(msgspec.json.encode(value), media_type="application/json", headers=headers)


handlers = [show, names, figures, differences, code]
