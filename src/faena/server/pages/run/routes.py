"""HTTP of a run's page: its parts, its stream, its curves."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import Response, get
from litestar.params import Parameter
from litestar.response import Stream

from faena.db import Database, Read
from faena.kernel.clock import Clock
from faena.kernel.notifications import Notifications
from faena.kernel.rights import READ
from faena.objects.service import Objects
from faena.runs import service
from faena.runs.current_files import CurrentFiles
from faena.runs.model import HYPERDRIVE
from faena.server.pages import forms, streams
from faena.server.pages.charts import first_curves
from faena.server.pages.list_parameters import Axis, Search
from faena.server.pages.previews import logged
from faena.server.pages.rendering import page, render
from faena.server.pages.run import action_routes as run_action_routes
from faena.server.pages.run import family as run_family
from faena.server.pages.run import files as run_files
from faena.server.pages.run import log_routes as run_log_routes
from faena.server.pages.run import page as run_page
from faena.server.pages.run import top as run_top
from faena.server.pages.sweeps import page as sweep_page
from faena.server.pages.sweeps.stream import with_trials_watched
from faena.tracking import query
from faena.tracking.model import SCRIPT
from faena.workspaces.model import WorkspaceFolder

Offset = Annotated[int, Parameter(ge=0, le=1 << 53)]
Pixels = Annotated[int, Parameter(ge=10, le=4000)]


@get("/{run_id:str}", summary="Page: a run", opt=READ)
async def show(
    run_id: str,
    database: Database,
    objects: Objects,
    clock: Clock,
    folder: WorkspaceFolder,
    current: CurrentFiles,
    log: str = "",
    done: str = "",
    sort: str = sweep_page.NEWEST,
    start: Annotated[int, Parameter(query="from", ge=0, le=10_000_000)] = 0,
    axis: Axis = "",
    search: Search = "",
) -> Response[str]:
    """`log`: the one to show; without it the one that says most. `done`: what somebody did, to be told.

    `sort`, `from`: of a sweep's trials.
    """

    live = await current.look(run_id, soon=True)
    around = {"workspace": folder.name, "place": folder.path.parent, "here": "runs"}
    around["done"] = forms.DONE.get(done, "")

    def build(read: Read) -> str:
        found = run_page.build(read, objects.files, run_id, log, clock.now(), live)
        sweep = sweep_page.sweep_of(read, service.get(read, run_id))
        if sweep is None:
            first = first_curves.address([run_id], found.curves.names, axis, search)
            return render("run.html", page=found, top=found.top, first_curves=first, **around)
        part = sweep_page.build(read, sweep, sweep_page.Asked(sort, start, log))
        return render("sweep.html", page=found, top=found.top, sweep=part, **around)

    return page(await database.read(build))


@get("/{run_id:str}/events", summary="Stream: a run's log and states as they come", opt=READ)
async def events(
    run_id: str,
    database: Database,
    objects: Objects,
    notifications: Notifications,
    log: str = "",
    offset: Offset = 0,
    chosen: bool = False,
    attempt: Annotated[int, Parameter(ge=0, le=1 << 31)] = 1,
) -> Stream:
    run = await database.read(lambda read: service.get(read, run_id))
    watched = streams.Watched(run_id, log, offset, chosen, attempt)
    found = streams.of_run(watched, database, objects.files, notifications)
    if run.type == HYPERDRIVE:
        found = with_trials_watched(found, run_id, database, notifications)
    return streams.answer(found)


@get("/{run_id:str}/curve-names", summary="Names of all metrics of a run that are numbers", opt=READ)
async def curve_names(run_id: str, database: Database, source: str = SCRIPT) -> Response[bytes]:
    def build(read: Read) -> bytes:
        service.get(read, run_id)
        return msgspec.json.encode(query.number_names(read, run_id, source))

    data = await database.read(build)
    return Response(data, media_type="application/json", headers={"cache-control": "no-store"})


@get("/{run_id:str}/logged", summary="Page: what a run logged that is no curve", opt=READ)
async def show_logged(
    run_id: str,
    database: Database,
    objects: Objects,
    clock: Clock,
    folder: WorkspaceFolder,
    start: Annotated[int, Parameter(query="from", ge=0, le=10_000_000)] = 0,
) -> Response[str]:
    def build(read: Read) -> str:
        top = run_top.build(read, run_id, clock.now())
        others = query.others(read, run_id)
        found = logged.build(read, objects.files, run_id, others[start:])
        after = start + logged.MOST
        more = f"{top.address}/logged?from={after}" if after < len(others) else ""
        around = {"workspace": folder.name, "place": folder.path.parent, "here": "runs"}
        return render("logged.html", top=top, logged=found, more_logged=more, **around)

    return page(await database.read(build))


@get("/{run_id:str}/children", summary="Page: runs that a run started", opt=READ)
async def show_children(
    run_id: str,
    database: Database,
    clock: Clock,
    folder: WorkspaceFolder,
    start: Annotated[int, Parameter(query="from", ge=0, le=10_000_000)] = 0,
) -> Response[str]:
    def build(read: Read) -> str:
        top = run_top.build(read, run_id, clock.now())
        around = {"workspace": folder.name, "place": folder.path.parent, "here": "runs"}
        return render("children.html", top=top, children=run_family.children(read, run_id, start), **around)

    return page(await database.read(build))


handlers = [
    show,
    show_children,
    events,
    curve_names,
    show_logged,
    *run_files.handlers,
    *run_log_routes.handlers,
    *run_action_routes.handlers,
]
