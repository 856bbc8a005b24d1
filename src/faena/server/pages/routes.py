"""HTTP of the pages. A page is built and rendered on a reader's thread, so that it holds up nobody."""

from __future__ import annotations

from typing import Annotated, Literal

from litestar import Response, get
from litestar.params import Parameter
from litestar.response import Redirect, Stream

from faena.db import Database, Read
from faena.kernel.clock import Clock
from faena.kernel.errors import NotFound
from faena.kernel.notifications import Notifications
from faena.kernel.rights import READ
from faena.kernel.routing import Router
from faena.server.pages import assets, streams
from faena.server.pages.charts import curve_routes
from faena.server.pages.clusters import page as clusters_page
from faena.server.pages.clusters.node_timeline import SPANS
from faena.server.pages.compare import routes as compare_routes
from faena.server.pages.data import routes as data_routes
from faena.server.pages.endpoints import routes as endpoint_routes
from faena.server.pages.environments import routes as environment_routes
from faena.server.pages.evaluation_sets import routes as evaluation_set_routes
from faena.server.pages.models import routes as model_routes
from faena.server.pages.notices import routes as notice_routes
from faena.server.pages.people import log_in
from faena.server.pages.people import routes as people_routes
from faena.server.pages.quotas import routes as quota_routes
from faena.server.pages.rendering import page, render
from faena.server.pages.run import action_routes as run_action_routes
from faena.server.pages.run import routes as run_routes
from faena.server.pages.run import sweep_routes
from faena.server.pages.runs import column_names
from faena.server.pages.runs import table as runs_table
from faena.server.pages.runs.asked import PATH, ROWS, Asked
from faena.server.pages.runs.groups import MOST_OPEN
from faena.server.pages.sharing import routes as sharing_routes
from faena.server.pages.traces import routes as trace_routes
from faena.workspaces.model import WorkspaceFolder

_KEPT = "private, max-age=31536000, immutable"


@get("/", summary="The first page: the runs", opt=READ)
async def home() -> Redirect:
    return Redirect(PATH)


@get("/static/{version:str}/{name:str}", summary="A script or a style of the pages", opt=READ)
async def static(version: str, name: str) -> Response[bytes]:
    file = assets.get(name)
    if file is None:
        raise NotFound(f"There is no static file {name[:80]!r}.")
    kept = _KEPT if version == assets.VERSION else "no-store"
    return Response(file.data, media_type=file.media_type, headers={"cache-control": kept})


@get("/runs", summary="Page: the runs that a filter means, sorted", opt=READ)
async def runs(
    database: Database,
    clock: Clock,
    folder: WorkspaceFolder,
    notifications: Notifications,
    text: Annotated[str, Parameter(query="filter")] = "",
    sort: str = "",
    after: str = "",
    experiment: str = "",
    children: bool = False,
    columns: str = "",
    group: str = "",
    rows: Annotated[int, Parameter(ge=1, le=ROWS[-1])] = ROWS[0],
    is_open: Annotated[list[str] | None, Parameter(query="open", max_items=MOST_OPEN)] = None,
    groups: Annotated[int, Parameter(ge=0, le=10_000)] = 0,
) -> Response[str]:
    around = {"workspace": folder.name, "place": folder.path.parent, "here": "runs"}
    around["seen"] = streams.seen(notifications, *streams.RUNS)
    asked = Asked(text, sort, after, experiment, children, columns, group, rows, tuple(is_open or ()), groups)

    def build(read: Read) -> tuple[str, int]:
        table = runs_table.build(read, asked, clock.now())
        return render("runs.html", table=table, sizes=ROWS, **around), 400 if table.error else 200

    return page(*await database.read(build))


@get(
    "/run-fields",
    summary="Fields that a table of runs can have as columns, with a text in their names",
    opt=READ,
)
async def run_fields(database: Database, text: Annotated[str, Parameter(max_length=200)] = "") -> list[str]:
    return await database.read(lambda read: column_names.fields(read, text))


@get("/clusters", summary="Page: clusters, what their nodes did and do, what waits for what", opt=READ)
async def clusters(
    database: Database, clock: Clock, folder: WorkspaceFolder, span: Literal["hour", "day"] = "hour"
) -> Response[str]:
    def build(read: Read) -> str:
        found = clusters_page.clusters(read, clock.now(), span)
        return render(
            "clusters.html",
            clusters=found,
            span=span,
            spans=list(SPANS),
            workspace=folder.name,
            place=folder.path.parent,
            here="clusters",
        )

    return page(await database.read(build))


@get("/changes", summary="Stream: something about the runs has changed", opt=READ)
async def changes(
    notifications: Notifications, seen: Annotated[str, Parameter(max_length=40)] = ""
) -> Stream:
    """`seen`: what the page says that it has seen."""
    return streams.answer(streams.changes(notifications, *streams.RUNS, known=seen))


@get("/open", summary="Stream: says nothing, and keeps the server from leaving while it is open", opt=READ)
async def stay() -> Stream:
    return streams.answer(streams.silence())


router = Router(
    "/ui",
    route_handlers=[
        home,
        static,
        runs,
        run_fields,
        clusters,
        *model_routes.handlers,
        *data_routes.handlers,
        *environment_routes.handlers,
        *people_routes.handlers,
        *log_in.handlers,
        *quota_routes.handlers,
        *sharing_routes.handlers,
        *notice_routes.handlers,
        *trace_routes.handlers,
        *evaluation_set_routes.handlers,
        *curve_routes.handlers,
        Router("/compare", route_handlers=compare_routes.handlers),
        *endpoint_routes.handlers,
        *run_action_routes.deletion_handlers,
        changes,
        stay,
        Router("/runs", route_handlers=[*run_routes.handlers, *sweep_routes.handlers]),
    ],
    tags=["pages"],
)
