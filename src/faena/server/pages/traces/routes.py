"""HTTP of the pages of traces."""

from __future__ import annotations

from typing import Annotated

from litestar import Response, get, post
from litestar.params import Parameter
from litestar.response import Redirect

from faena.db import Database, Read
from faena.kernel import ownership
from faena.kernel.clock import Clock
from faena.kernel.errors import NotFound, UserErrorException
from faena.kernel.rights import CONTRIBUTE, READ
from faena.objects.service import Objects
from faena.people.callers import caller_of
from faena.server.bodies import TypedRequest
from faena.server.pages import forms
from faena.server.pages.addresses import trace_address
from faena.server.pages.browser_rights import TRACE_ACTIONS
from faena.server.pages.list_parameters import Start, Text
from faena.server.pages.rendering import page, render
from faena.server.pages.traces import list as trace_list
from faena.server.pages.traces import page as trace_page
from faena.traces import assessing, spans
from faena.traces.finding import Wanted
from faena.traces.schemas import AssessmentGiven
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
    done: str = "",
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
        return render("trace.html", part=part, done=forms.DONE.get(done, ""), **_around(folder))

    return page(await database.read(build))


@post(
    "/traces/{trace_id:str}/do/{action:str}",
    summary="Say how good a trace is",
    request_max_body_size=forms.MOST_BYTES,
    opt=CONTRIBUTE,
)
async def do(trace_id: str, action: str, request: TypedRequest, database: Database, clock: Clock) -> Redirect:
    if action not in TRACE_ACTIONS:
        raise NotFound(f"Nothing on a trace's page does {action[:80]!r}.")
    fields = await forms.fields(request)
    caller = caller_of(request)
    given = AssessmentGiven(
        name=fields.get("name", "").strip(),
        value=_VALUES.get(fields.get("value", ""), fields.get("value", "")),
        rationale=fields.get("why", "").strip() or None,
        source_id=ownership.user() if caller is None else caller.person,
    )
    made = assessing.made(trace_id, given, clock.now())
    await database.write(lambda write: assessing.add(write, made))
    return forms.go_on(trace_address(trace_id), action)


_VALUES = {"yes": True, "no": False}
"""Whatever else is written is a text."""


def _around(folder: WorkspaceFolder) -> dict[str, object]:
    return {"workspace": folder.name, "place": folder.path.parent, "here": "traces"}


handlers = [traces, trace, do]
