"""HTTP of runs: submit, start, show, cancel, fail, follow."""

from __future__ import annotations

import asyncio

from litestar import get, post, put
from litestar.response import Stream

from faena.db import Database, Write
from faena.kernel.clock import Clock
from faena.kernel.errors import (
    FaenaError,
)
from faena.kernel.notifications import Notifications
from faena.kernel.rights import CONTRIBUTE, READ
from faena.kernel.routing import Router
from faena.objects.service import Objects
from faena.runs import (
    file_routes,
    follow,
    full_disk_cancels,
    interactive,
    record_routes,
    rerun_routes,
    service,
    store,
)
from faena.runs.accepting import accept_submission
from faena.runs.comments import routes as comments
from faena.runs.engine.services import RunnerServices
from faena.runs.schemas import Failure, RunView, StartedView
from faena.runs.submission_schemas import StartRequest, Submission
from faena.workspaces.model import WorkspaceFolder


@put(
    "/{run_id:str}",
    status_code=200,
    summary="Submit a run; repeating it has no second effect",
    opt=CONTRIBUTE,
)
async def submit(run_id: str, data: Submission, services: RunnerServices, offered: bool = True) -> RunView:
    return await accept_submission(run_id, data, services, offered=offered)


@post(
    "/",
    status_code=200,
    summary="Start runs that a process of this host writes and ends; repeating has no effect",
    opt=CONTRIBUTE,
)
async def start(
    data: StartRequest, database: Database, clock: Clock, folder: WorkspaceFolder
) -> list[StartedView]:
    interactive.check(data)
    existing = await database.read(lambda read: {run.id for run in data.runs if store.get(read, run.id)})
    new = [run for run in data.runs if run.id not in existing]
    made = await asyncio.to_thread(interactive.make_folders, folder.attempts, new)

    def accept(write: Write) -> list[StartedView]:
        return [
            StartedView(service.view(write, run), str(interactive.folder_of(folder.attempts, run.id)))
            for run in interactive.start(write, data, clock.now())
        ]

    try:
        return await database.write(accept)
    except FaenaError:
        await database.read(lambda read: interactive.remove_folders(read, made))
        raise


@get("/{run_id:str}", summary="A run: where it is, its phases, why it ended", opt=READ)
async def show(run_id: str, database: Database) -> RunView:
    return await database.read(lambda read: service.view(read, service.get(read, run_id)))


@post("/{run_id:str}/cancel", status_code=200, summary="Ask a run to stop", opt=CONTRIBUTE)
async def cancel(run_id: str, database: Database, notifications: Notifications, clock: Clock) -> RunView:
    run = await full_disk_cancels.cancel(run_id, database, notifications, clock)
    return await database.read(lambda read: service.view(read, run))


@post("/{run_id:str}/fail", status_code=200, summary="Stop a run and have it end as Failed", opt=CONTRIBUTE)
async def fail(run_id: str, data: Failure, database: Database, clock: Clock) -> RunView:
    message = data.message[:4000] or "The run was reported as failed."
    return await database.write(
        lambda write: service.view(write, service.fail(write, run_id, message, clock.now()))
    )


@get(
    "/{run_id:str}/follow",
    summary="The run's states and log lines as they come, a JSON object a line",
    media_type="application/x-ndjson",
    opt=READ,
)
async def follow_run(
    run_id: str,
    database: Database,
    objects: Objects,
    notifications: Notifications,
    offsets: str = "{}",
    points: bool = False,
) -> Stream:
    """`points`: also say when there are new points; they are sent within half a second then."""
    await database.read(lambda read: service.get(read, run_id))
    events = follow.events(
        run_id, follow.parse_offsets(offsets), database, objects.files, notifications, points=points
    )
    return Stream(events, media_type="application/x-ndjson")


router = Router(
    "/runs",
    route_handlers=[
        submit,
        show,
        cancel,
        fail,
        follow_run,
        *file_routes.handlers,
        *comments.handlers,
        *record_routes.handlers,
        *rerun_routes.handlers,
    ],
    tags=["runs"],
)
