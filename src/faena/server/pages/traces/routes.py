"""HTTP of the pages of traces."""

from __future__ import annotations

from typing import Annotated

from litestar import Response, get
from litestar.params import Parameter

from faena.db import Database, Read
from faena.kernel.errors import NotFound, UserErrorException
from faena.kernel.rights import READ
from faena.objects.service import Objects
from faena.server.pages.list_parameters import Start, Text
from faena.server.pages.rendering import page, render
from faena.server.pages.traces import list as trace_list
from faena.server.pages.traces import page as trace_page
from faena.traces import spans
from faena.traces.finding import Wanted
from faena.traces.tree import Placed
from faena.workspaces.model import WorkspaceFolder


@get("/traces", summary="Page: traces, the latest first, of an experiment or a run or all", opt=READ)
async def traces(
    database: Database,
    folder: WorkspaceFolder,
    text: Text = "",
    start: Start = 0,
    experiment: str = "",
    run: str = "",
    status: str = "",
) -> Response[str]:
    wanted = Wanted(experiment or None, run or None, status or None, text.strip() or None)

    def build(read: Read) -> str:
        return render("traces.html", found=trace_list.build(read, wanted, start), **_around(folder))

    return page(await database.read(build))


@get(
    "/traces/{trace_id:str}",
    summary="Page: a trace, its steps as a waterfall and one of them whole",
    opt=READ,
)
async def trace(
    trace_id: str,
    database: Database,
    objects: Objects,
    folder: WorkspaceFolder,
    start: Start = 0,
    step: Annotated[str, Parameter(max_length=64)] = "",
) -> Response[str]:
    found: list[Placed] = []
    untold, chosen = "", None
    try:
        found = await spans.outline(database, objects, trace_id)
        wanted = step or (found[0].span.id if found else "")
        if wanted:
            chosen = await spans.one(database, objects, trace_id, wanted)
    except UserErrorException as error:
        untold = error.message
    except NotFound:
        if not found:  # else it is the step that is not there: the trace is shown without it
            raise

    def build(read: Read) -> str:
        part = trace_page.build(read, trace_id, found, chosen, start, untold)
        return render("trace.html", part=part, **_around(folder))

    return page(await database.read(build))


def _around(folder: WorkspaceFolder) -> dict[str, object]:
    return {"workspace": folder.name, "place": folder.path.parent, "here": "traces"}


handlers = [traces, trace]
