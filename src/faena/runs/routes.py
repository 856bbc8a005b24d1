"""HTTP of runs: submit, show, list, cancel, follow; their metrics and files."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import IO, Annotated, Any

import msgspec
from litestar import Request, get, post, put
from litestar.params import Parameter
from litestar.response import Stream
from msgspec import Struct

from faena.compute.gpus import check_gpu, gpu_ids
from faena.data import service as snapshots
from faena.db import Database, Read, Write
from faena.environments import credentials
from faena.environments import store as locks
from faena.environments.model import EnvironmentSpec, Lock
from faena.environments.service import ReadyEnvironment, kept, refuse_impossible, spec_of, take_sent
from faena.kernel.clock import Clock
from faena.kernel.errors import (
    EnvironmentBuildException,
    FaenaError,
    NotFound,
    UserErrorException,
)
from faena.kernel.lanes import BYTES
from faena.kernel.notifications import Notifications
from faena.kernel.routing import Router
from faena.objects import ranges
from faena.objects.service import Objects, begun, parts
from faena.runs import (
    follow,
    interactive,
    live_files,
    notebooks,
    record_routes,
    record_store,
    rerun_routes,
    service,
    store,
)
from faena.runs.engine import prepare
from faena.runs.engine.services import RunnerServices
from faena.runs.live_files import LiveFile
from faena.runs.model import RunStatus
from faena.runs.schemas import (
    Failure,
    FileView,
    LogView,
    RunView,
    StartedView,
    StartRequest,
    Submission,
)
from faena.tracking import files as run_files
from faena.tracking import query
from faena.tracking.model import LogFile, RunFile
from faena.workspaces.model import WorkspaceFolder

NO_GPU = (
    "The run was submitted with use_gpu=True and this machine has no GPU: the script gets none. "
    "With gpu='require' such a run is refused."
)
Limit = Annotated[int, Parameter(ge=1, le=1000)]


class Looked(Struct, frozen=True):
    """What a submission needs, as found outside any transaction."""

    submission: Submission
    spec: EnvironmentSpec
    without_gpu: bool
    warnings: Sequence[str]
    lock: Lock | None
    refusal: str
    """Why that lock cannot be built here; empty: it can."""
    found: ReadyEnvironment | None


def look(submission: Submission, database: Database) -> Looked:
    """On one thread, one thing after the other: each change of threads costs more than most of them. Blocks."""
    submission = notebooks.with_what_it_needs(submission)
    spec = spec_of(submission.environment)
    without_gpu = _has_no_gpu(submission)
    warnings = refuse_impossible(spec)
    credentials.put(spec)
    submission = msgspec.structs.replace(submission, environment=kept(submission.environment))
    lock = database.look_up(lambda read: prepare.lock_of(read, submission)) if submission.lock else None
    refusal = "" if lock is None else prepare.why_not_here(lock)
    if refusal and submission.exact:
        raise EnvironmentBuildException(refusal)
    found = prepare.find(spec, None if refusal else lock)
    return Looked(submission, spec, without_gpu, warnings, lock, refusal, found)


@put("/{run_id:str}", status_code=200, summary="Submit a run; repeating it has no second effect")
async def submit(run_id: str, data: Submission, services: RunnerServices, offered: bool = True) -> RunView:
    return await accept_submission(run_id, data, services, offered=offered)


async def accept_submission(
    run_id: str, data: Submission, services: RunnerServices, *, offered: bool
) -> RunView:
    """`offered`: False where the snapshot was offered earlier only, and may have been collected or damaged since."""

    def look_at_all() -> tuple[Looked, set[str]]:
        return look(data, services.database), set() if offered else snapshots.see(
            data.snapshot, data.git, services.database, services.objects
        )

    await take_sent(data.environment, services.objects)
    looked, references = await asyncio.to_thread(look_at_all)
    now = services.clock.now()

    def accept(write: Write) -> RunView:
        if not offered:
            snapshots.renew(write, data.snapshot, references, now)
        found = looked.found
        ready = None if found is None else (locks.put(write, found.lock, now), found.python)
        run = service.submit(write, run_id, looked.submission, now, ready)
        if looked.without_gpu:  # calls of Chainer are answered on the CPU, and say so themselves
            record_store.add_note(write, run_id, "no_gpu", NO_GPU)
        if looked.refusal:
            prepare.note_new_lock(write, run, looked.refusal)
        if looked.warnings:
            record_store.add_note(write, run_id, "environment", " ".join(looked.warnings))
        if run.status is RunStatus.QUEUED:
            prepare.show_notes(write, run, looked.spec, now)
            services.placement.refill(write, run.cluster)
        elif run.status is RunStatus.NOT_STARTED and found is not None:  # it is asked for again
            prepare.queue_all(write, [run], found, now)
        elif run.status is RunStatus.NOT_STARTED:
            prepare.await_build(
                write, run, prepare.Wanted(looked.spec, None if looked.refusal else looked.lock), now
            )
        return service.view(write, service.get(write, run_id), with_outlook=False)

    return await services.database.write(accept)


def _has_no_gpu(submission: Submission) -> bool:
    """Whether a run that would have a GPU gets none and does not say so itself, as calls of Chainer do. Blocks.

    Raises ExperimentExecutionException for one that must have GPUs which there are not.
    """
    if submission.gpu == "none":
        return False
    check_gpu(submission.gpu, submission.node_count)
    return submission.environment.framework != "chainer" and not gpu_ids()


@post(
    "/",
    status_code=200,
    summary="Start runs that a process of this host writes and ends; repeating has no effect",
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


@get("/{run_id:str}", summary="A run: where it is, its phases, why it ended")
async def show(run_id: str, database: Database) -> RunView:
    return await database.read(lambda read: service.view(read, service.get(read, run_id)))


@post("/{run_id:str}/cancel", status_code=200, summary="Ask a run to stop")
async def cancel(run_id: str, database: Database, clock: Clock) -> RunView:
    return await database.write(lambda write: service.view(write, service.cancel(write, run_id, clock.now())))


@post("/{run_id:str}/fail", status_code=200, summary="Stop a run and have it end as Failed")
async def fail(run_id: str, data: Failure, database: Database, clock: Clock) -> RunView:
    message = data.message[:4000] or "The run was reported as failed."
    return await database.write(
        lambda write: service.view(write, service.fail(write, run_id, message, clock.now()))
    )


@get("/{run_id:str}/follow", summary="The run's states and log lines as they come, a JSON object a line")
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


@get("/{run_id:str}/logs", summary="A run's logs and their sizes")
async def logs(run_id: str, database: Database) -> list[LogView]:
    def read_logs(read: Read) -> list[LogView]:
        service.get(read, run_id)
        return [LogView(log.name, log.size) for log in query.logs(read, run_id)]

    return await database.read(read_logs)


@get("/{run_id:str}/files", summary="A run's files, its logs among them; of one that goes on as they are now")
async def files(run_id: str, database: Database, folder: WorkspaceFolder) -> list[FileView]:
    kept, logs = await database.read(lambda read: _files_and_logs(read, run_id))
    live = await _live(run_id, database, folder)
    views = {name: FileView(name, found.size) for name, found in (logs | kept).items()}
    views |= {name: FileView(name, found.size, live=True) for name, found in live.items()}
    return [view for _, view in sorted(views.items())]


@get("/{run_id:str}/files/{name:path}", summary="A file's bytes; of a run that goes on as they are now")
async def file(
    run_id: str,
    name: str,
    database: Database,
    objects: Objects,
    folder: WorkspaceFolder,
    request: Request[Any, Any, Any],
    rank: int | None = None,
    attempt: int | None = None,
) -> Stream:
    """`rank`: of a log that several ranks have, whose. `attempt`: of a log, the one of this attempt."""
    name = name.removeprefix("/")
    if rank is not None or attempt is not None:
        await database.read(
            lambda read: query.log_text(
                read, objects.files, run_id, name, rank=rank, attempt=attempt, limit=1
            )
        )
        found = await begun(_log_parts(run_id, name, database, objects, rank, attempt))
        return Stream(found, media_type="application/octet-stream")
    kept, logs = await database.read(lambda read: _files_and_logs(read, run_id))
    live = await _live(run_id, database, folder)
    if name in live and (copy := await _copied(name, live[name], folder)):
        return Stream(parts(copy), media_type="application/octet-stream")
    if name in kept:
        return await ranges.of_object(objects, kept[name].digest, request)
    if name in logs:
        found = await begun(_log_parts(run_id, name, database, objects))
        return Stream(found, media_type="application/octet-stream")
    there = sorted({*logs, *kept, *live})
    shown = ", ".join(there[:20]) + (f" and {len(there) - 20} more" if len(there) > 20 else "")
    raise NotFound(f"Run {run_id} has no file {name[:300]!r}. There is: {shown or 'nothing yet'}.")


async def _live(run_id: str, database: Database, folder: WorkspaceFolder) -> dict[str, LiveFile]:
    there = await database.read(lambda read: live_files.folders(read, folder.attempts, run_id))
    return await asyncio.to_thread(live_files.look, there) if there else {}


async def _copied(name: str, file: LiveFile, folder: WorkspaceFolder) -> IO[bytes] | None:
    """None where it went meanwhile."""
    try:
        return await BYTES.run(live_files.copied, name, file, folder.attempts)
    except FileNotFoundError:
        return None


@get("/{run_id:str}/lock", summary="What the run's environment held: exact versions, with hashes")
async def lock(run_id: str, database: Database) -> dict[str, Any]:
    def read_lock(read: Read) -> dict[str, Any]:
        run = service.get(read, run_id)
        found = locks.get(read, run.lock) if run.lock else None
        if found is None:
            raise UserErrorException(f"Run {run_id} has no environment yet: it is {run.shown_status}.")
        return {
            "digest": run.lock,
            "python": f"{found.interpreter.implementation} {found.interpreter.version}",
            "platform": found.platform,
            "requirements": found.requirements,
            "archives": msgspec.to_builtins(found.archives),
            "build_constraints": list(found.build_constraints),
            "interpreter": msgspec.to_builtins(found.interpreter),
            "built": found.built,
        }

    return await database.read(read_lock)


async def _log_parts(
    run_id: str,
    name: str,
    database: Database,
    objects: Objects,
    rank: int | None = None,
    attempt: int | None = None,
) -> AsyncIterator[bytes]:
    offset = 0
    while True:
        read_part = partial(
            query.log_text,
            objects=objects.files,
            run_id=run_id,
            name=name,
            offset=offset,
            rank=rank,
            attempt=attempt,
        )
        part = await database.read(read_part)
        if not part.data:
            return
        yield part.data
        offset = part.next_offset


def _files_and_logs(read: Read, run_id: str) -> tuple[dict[str, RunFile], dict[str, LogFile]]:
    service.get(read, run_id)
    kept = {file.name: file for file in run_files.files(read, run_id)}
    return kept, {log.name: log for log in query.logs(read, run_id)}


router = Router(
    "/runs",
    route_handlers=[
        submit,
        show,
        cancel,
        fail,
        follow_run,
        logs,
        files,
        file,
        lock,
        *record_routes.handlers,
        *rerun_routes.handlers,
    ],
    tags=["runs"],
)
