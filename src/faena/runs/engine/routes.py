"""HTTP of runners: work, and what they report about their attempts."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import msgspec
from litestar import Request, Response, get, post, put
from litestar.datastructures import State
from litestar.di import Provide
from msgspec import Struct

from faena.attempts.key import AttemptKey
from faena.attempts.records import ORDERS
from faena.compute.machines.tokens import AttemptTokens
from faena.db import Database, Read, Write
from faena.kernel.batches import LONGEST_LIST
from faena.kernel.clock import Clock
from faena.kernel.hidden import hiding
from faena.kernel.notifications import Notifications
from faena.kernel.rights import HOST
from faena.kernel.routing import Router
from faena.objects.service import Objects
from faena.runs import (
    attempt_store,
    far_files,
    full_disk_cancels,
    interactive,
    record_store,
    service,
    transitions,
)
from faena.runs.engine import attempts, batches, file_routes, launch_routes, shipping
from faena.runs.engine.attempts import Progress
from faena.runs.engine.batches import ClosingHeader, NoteReport, OutcomeReport, Rank
from faena.runs.engine.scheduling import work_topic
from faena.runs.engine.services import RunnerServices
from faena.runs.engine.shipping import PACE, ShipAnswer
from faena.runs.engine.work import see_off
from faena.runs.model import Outcome
from faena.runs.schemas import RunView
from faena.runs.submission_schemas import StartedRun
from faena.tracking import ingest, watching
from faena.workspaces.model import WorkspaceFolder

_log = logging.getLogger(__name__)


class StartedReport(Struct, frozen=True):
    at: int


class EndedReport(Struct, frozen=True):
    outcome: OutcomeReport
    at: int | None = None


class OpenAttempt(Struct, frozen=True):
    folder: str
    stop: bool


def provide_rank(run_id: str, attempt: int, rank: int) -> Rank:
    return Rank(run_id, attempt, rank)


@post(
    "/nodes/{node:str}/work",
    status_code=200,
    summary="A node asks for work and may be held until there is some",
    opt=HOST,
)
async def work(node: str, wait: float, services: RunnerServices, orders: int = 0) -> dict[str, Any]:
    """`orders`: the form of orders that the node understands; one of an earlier Faena says nothing."""
    if orders != ORDERS:
        return await services.database.write(lambda write: see_off(write, node, services.clock.now()))
    until = services.clock.monotonic() + min(wait, 60.0)
    with services.notifications.subscribe(work_topic(node)) as subscription:
        while True:
            answer = await services.next_for(node)
            left = until - services.clock.monotonic()
            if answer or left <= 0 or not await subscription.wait(left):
                return answer


@get("/nodes/{process:str}/attempts", summary="The open runs of a process that writes them itself", opt=HOST)
async def open_attempts(
    process: str, database: Database, folder: WorkspaceFolder, notifications: Notifications
) -> list[OpenAttempt]:
    found = await database.read_first(lambda read: _of_process(read, process, folder.attempts))
    return [
        OpenAttempt(str(path), stop or full_disk_cancels.is_asked(notifications, run_id))
        for run_id, path, stop in found
    ]


def _of_process(read: Read, process: str, attempts_root: Path) -> list[tuple[str, Path, bool]]:
    """The ids and attempt folders of a process's open runs, and whether each is to be ended as canceled."""
    return [
        (
            attempt.run_id,
            interactive.folder_of(attempts_root, attempt.run_id),
            attempts.must_stop(read, attempt.run_id, attempt.attempt),
        )
        for attempt in attempt_store.open_attempts_of(read, process)
    ]


@get("/offsets", summary="How much of each stream is here", opt=HOST)
async def offsets(key: Rank, database: Database) -> dict[str, int]:
    return await database.read_first(lambda read: ingest.offsets(read, key.run_id, key.attempt, key.rank))


@put("/started", status_code=204, summary="The script started", opt=HOST)
async def started(key: Rank, data: StartedReport, database: Database, clock: Clock) -> None:
    await database.write(lambda write: _progress(write, key).started(data.at, clock.now()))


@put("/ended", status_code=204, summary="The script ended", opt=HOST)
async def ended(key: Rank, data: EndedReport, database: Database, clock: Clock) -> None:
    outcome = Outcome(**msgspec.structs.asdict(data.outcome))
    await database.write(lambda write: _progress(write, key).ended(outcome, clock.now()))


@put("/closed", status_code=204, summary="Everything of the attempt is here", opt=HOST)
async def closed(
    key: Rank, database: Database, objects: Objects, services: RunnerServices, clock: Clock
) -> None:
    try:
        failed = await database.read_first(lambda read: attempts.failed(read, key.run_id, key.attempt))
        rank = None if failed is None else failed.rank
        last_lines = await database.read(
            lambda read: service.last_lines(read, objects.files, key.run_id, rank)
        )
    except Exception:  # noqa: BLE001  a log that cannot be read keeps no run from its end
        _log.exception("the end of the log of run %s cannot be read", key.run_id)
        last_lines = []
    if await database.read_first(lambda read: attempts.is_last(read, key.run_id, key.attempt)):
        await services.seal(key)
    await database.write(lambda write: _progress(write, key).closed(last_lines, clock.now()))


def _progress(write: Write, key: Rank) -> Progress:
    return Progress.find(write, key.run_id, key.attempt, key.rank)


@post(
    "/ship",
    status_code=200,
    summary="Bytes of logs and spools, as they are",
    request_max_body_size=LONGEST_LIST,
    opt=HOST,
)
async def ship(
    run_id: str, attempt: int, rank: int, request: Request[None, None, State], services: RunnerServices
) -> ShipAnswer:
    key, pace = Rank(run_id, attempt, rank), request.scope["state"].get(PACE, 0.0)
    return await shipping.take(key, await request.body(), services, pace)


@get(
    "/signals",
    summary="Whether anybody watches or the script is to be stopped: held until then, for a while",
    opt=HOST,
)
async def signals(
    run_id: str,
    attempt: int,
    rank: int,
    wait: float,
    request: Request[None, None, State],
    services: RunnerServices,
) -> ShipAnswer:
    key = Rank(run_id, attempt, rank)
    until, pace = services.clock.monotonic() + min(wait, 60.0), request.scope["state"].get(PACE, 0.0)
    asked = far_files.topic(shipping.name(key))
    topics = transitions.topic(run_id), watching.began_topic(run_id), asked
    with services.notifications.subscribe(*topics) as subscription:
        while True:
            answer = shipping.answer({}, await services.must_stop(key), key, services, pace)
            left = until - services.clock.monotonic()
            has_news = answer.cancel or answer.watched or answer.asked
            if has_news or not left > 0 or not await subscription.wait(left):
                return answer


class RunsBelow(Struct, frozen=True, forbid_unknown_fields=True):
    runs: tuple[StartedRun, ...]


class RunBelow(Struct, frozen=True):
    run: RunView
    token: str
    """Of its one attempt, by which the node brings what the run logs."""

    __repr__ = hiding("token")


@post(
    "/runs",
    status_code=200,
    summary="Start runs that the script writes on its node; repeating has no effect",
    opt=HOST,
)
async def start_below(
    key: Rank, data: RunsBelow, database: Database, clock: Clock, folder: WorkspaceFolder
) -> list[RunBelow]:
    """The node makes their folders: their attempt is 1, their rank 0."""
    interactive.check_runs(data.runs)
    parent = (key.run_id, key.attempt, key.rank)
    tokens = AttemptTokens(folder.nodes)
    return await database.write(
        lambda write: [
            RunBelow(service.view(write, run), tokens.of(AttemptKey(run.id, 1, 0).name))
            for run in interactive.start_below(write, parent, data.runs, clock.now())
        ]
    )


@post(
    "/finish",
    status_code=200,
    summary="The last bytes of a run and how it ended, in one",
    request_max_body_size=LONGEST_LIST,
    opt=HOST,
)
async def finish(
    run_id: str, attempt: int, rank: int, request: Request[None, None, State], services: RunnerServices
) -> Response[bool]:
    """False, and nothing has happened, where bytes before these are missing: send those first."""
    key = Rank(run_id, attempt, rank)
    header, body = batches.split(await request.body(), ClosingHeader)
    closed = await services.close(key, header, body)
    return Response(closed.kept, background=services.rest_of(key, closed))


@post(
    "/close",
    status_code=200,
    summary="The same of a node, which hears at once what it is to do next",
    request_max_body_size=LONGEST_LIST,
    opt=HOST,
)
async def close(
    run_id: str,
    attempt: int,
    rank: int,
    request: Request[None, None, State],
    services: RunnerServices,
    node: str = "",
) -> Response[dict[str, Any]]:
    """`kept` as of `finish`; and `order` or `leave`, as of `work`."""
    key = Rank(run_id, attempt, rank)
    header, body = batches.split(await request.body(), ClosingHeader)
    closed = await (
        services.close_and_wait(key, header, body, node) if node else services.close(key, header, body)
    )
    return Response({"kept": closed.kept, **closed.next}, background=services.rest_of(key, closed))


@put("/notes/{code:str}", status_code=204, summary="Something that the reader of the run must know", opt=HOST)
async def add_note(key: Rank, code: str, data: NoteReport, database: Database) -> None:
    def add(write: Write) -> None:
        attempts.check(write, key.run_id, key.attempt, key.rank)
        record_store.add_note(write, key.run_id, code[:64], data.message[:4000], about=data.about)
        write.notify(transitions.topic(key.run_id))

    await database.write(add)


attempt_routes = Router(
    "/attempts/{run_id:str}/{attempt:int}/{rank:int}",
    route_handlers=[
        offsets,
        started,
        ended,
        closed,
        ship,
        signals,
        start_below,
        finish,
        close,
        *file_routes.handlers,
        *launch_routes.handlers,
        add_note,
    ],
    dependencies={"key": Provide(provide_rank, sync_to_thread=False)},
)
router = Router("/", route_handlers=[work, open_attempts, attempt_routes], tags=["runners"])
