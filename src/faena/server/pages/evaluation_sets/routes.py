"""HTTP of the pages of evaluation sets."""

from __future__ import annotations

from litestar import Response, get

from faena.db import Database, Read
from faena.kernel.rights import READ
from faena.server.pages.evaluation_sets import page as set_page
from faena.server.pages.list_parameters import Start, Text
from faena.server.pages.rendering import page, render
from faena.workspaces.model import WorkspaceFolder


@get("/evaluation-sets", summary="Page: evaluation sets, the latest first", opt=READ)
async def evaluation_sets(
    database: Database, folder: WorkspaceFolder, text: Text = "", start: Start = 0
) -> Response[str]:
    def build(read: Read) -> str:
        found = set_page.build_list(read, text, start)
        return render("evaluation_sets.html", found=found, **_around(folder))

    return page(await database.read(build))


@get("/evaluation-sets/{set_id:str}", summary="Page: an evaluation set and its records", opt=READ)
async def evaluation_set(
    set_id: str, database: Database, folder: WorkspaceFolder, start: Start = 0
) -> Response[str]:
    def build(read: Read) -> str:
        return render("evaluation_set.html", part=set_page.build(read, set_id, start), **_around(folder))

    return page(await database.read(build))


def _around(folder: WorkspaceFolder) -> dict[str, object]:
    return {"workspace": folder.name, "place": folder.path.parent, "here": "data"}


handlers = [evaluation_sets, evaluation_set]
