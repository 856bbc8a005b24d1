"""HTTP of runners: work, and what they report about their attempts."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from litestar import Request, Response, Router, get, post, put
from litestar.background_tasks import BackgroundTask
from litestar.datastructures import State
from litestar.di import Provide
from msgspec import Struct

from faena.compute import store as compute
from faena.compute.model import NodeState
from faena.db import Database, Write
from faena.kernel import marks
from faena.kernel.batches import LONGEST_LIST
from faena.kernel.bells import Bells
from faena.kernel.clock import Clock
from faena.kernel.errors import UserErrorException
from faena.objects.service import Objects
from faena.runs import interactive, moves, record, service, store
from faena.runs.engine import attempts, order
from faena.runs.engine.place import work_topic
from faena.runs.follow import is_watched
from faena.runs.model import EndReason, Outcome
from faena.tracking import files as run_files
from faena.tracking import ingest, sealing
from faena.tracking.model import Event, Limits, StoredFile, StreamKey, check_name
from faena.workspaces.model import WorkspaceFolder

_TAGS_LEFT_OUT = f"The script set more than {marks.MOST_MARKS:,} tags: those that came later were left out."


class StartedReport(Struct, frozen=True):
    at: int


class OutcomeReport(Struct, frozen=True):
    reason: EndReason
    message: str = ""
    exit_code: int | None = None
    signal: int | None = None


class EndedReport(Struct, frozen=True):
    outcome: OutcomeReport
    at: int | None = None


class NamedFile(Struct, frozen=True):
    name: str
    path: str


class LocalFiles(Struct, frozen=True):
    files: list[NamedFile]
    take: bool = False
    some: bool = False
    """Keep those that can be kept, and answer why others cannot; else all or none are kept."""


class RefusedFile(Struct, frozen=True):
    name: str
    message: str


class NoteReport(Struct, frozen=True):
    message: str
    about: str = ""
    """How the message begins; one that began so is replaced, and others of the code stay beside it."""


class ShipHeader(Struct, frozen=True):
    segments: list[tuple[str, int, int]]
    """(stream, offset, length); the bytes follow the header in the same order."""
    closing: bool = False


class FinishHeader(ShipHeader, frozen=True):
    """The last bytes of a run that a process writes itself, and how it ended."""

    outcome: OutcomeReport = OutcomeReport(EndReason.COMPLETED)


class ShipAnswer(Struct, frozen=True):
    offsets: dict[str, int]
    cancel: bool
    watched: bool


class OpenAttempt(Struct, frozen=True):
    folder: str
    stop: bool


_TAGS_LEFT_OUT = f"The script set more than {marks.MOST_MARKS:,} tags: those that came later were left out."
Header = TypeVar("Header", bound=ShipHeader)


@dataclass(frozen=True, slots=True)
class Rank:
    """Names an attempt on one node."""

    run_id: str
    attempt: int
    rank: int


def provide_rank(run_id: str, attempt: int, rank: int) -> Rank:
    return Rank(run_id, attempt, rank)


@post(
    "/nodes/{node:str}/work",
    status_code=200,
    summary="A node asks for work and may be held until there is some",
)
async def work(
    node: str, wait: float, database: Database, bells: Bells, clock: Clock, folder: WorkspaceFolder
) -> dict[str, Any]:
    until = clock.monotonic() + min(wait, 60.0)
    with bells.listen(work_topic(node)) as bell:
        while True:
            answer = await database.write(lambda write: _answer(write, node, clock, folder))
            left = until - clock.monotonic()
            if answer or left <= 0:
                return answer
            await bell.wait(left)


def _answer(write: Write, node_id: str, clock: Clock, folder: WorkspaceFolder) -> dict[str, Any]:
    """In the transaction in which it could have got work, a node hears that it may leave instead."""
    node = compute.node(write, node_id)
    if node is None or node.state is NodeState.LEAVING:
        return {"leave": True}
    if node.state is NodeState.PREPARING:
        compute.set_state(write, node_id, NodeState.IDLE, clock.now())
        write.ring("engine")
        return {}
    found = order.of_node(write, node, folder)
    return {"order": found} if found else {}


@get("/nodes/{process:str}/attempts", summary="The open runs of a process that writes them itself")
async def open_attempts(process: str, database: Database, folder: WorkspaceFolder) -> list[OpenAttempt]:
    found = await database.read_first(lambda read: interactive.of_process(read, process, folder.attempts))
    return [OpenAttempt(str(path), stop) for path, stop in found]


@get("/offsets", summary="How much of each stream is here")
async def offsets(key: Rank, database: Database) -> dict[str, int]:
    return await database.read_first(lambda read: ingest.offsets(read, key.run_id, key.attempt, key.rank))


@put("/started", status_code=204, summary="The script started")
async def started(key: Rank, data: StartedReport, database: Database, clock: Clock) -> None:
    await database.write(
        lambda write: attempts.started(write, key.run_id, key.attempt, key.rank, data.at, clock.now())
    )


@put("/ended", status_code=204, summary="The script ended")
async def ended(key: Rank, data: EndedReport, database: Database, clock: Clock) -> None:
    outcome = Outcome(**msgspec.structs.asdict(data.outcome))
    await database.write(
        lambda write: attempts.ended(write, key.run_id, key.attempt, key.rank, outcome, clock.now())
    )


@put("/closed", status_code=204, summary="Everything of the attempt is here")
async def closed(key: Rank, database: Database, objects: Objects, clock: Clock) -> None:
    last_lines = await database.read(lambda read: service.last_lines(read, objects.files, key.run_id))
    if await database.read_first(lambda read: attempts.is_last(read, key.run_id, key.attempt)):
        await asyncio.to_thread(sealing.seal, database, objects.files, key.run_id, key.attempt, clock)
    await database.write(
        lambda write: attempts.closed(write, key.run_id, key.attempt, key.rank, last_lines, clock.now())
    )


@post(
    "/ship",
    status_code=200,
    summary="Bytes of logs and spools, as they are",
    request_max_body_size=LONGEST_LIST,
)
async def ship(
    key: Rank,
    request: Request[None, None, State],
    database: Database,
    bells: Bells,
    clock: Clock,
    limits: Limits,
) -> ShipAnswer:
    header, body = _split(await request.body(), ShipHeader)

    def append(write: Write) -> tuple[dict[str, int], bool]:
        found = _append(write, key, header, body, clock, limits)
        return found, attempts.must_stop(write, key.run_id, key.attempt)

    if header.segments:
        found, stop = await database.write(append)
    else:
        found = {}
        stop = await database.read_first(lambda read: attempts.must_stop(read, key.run_id, key.attempt))
    return ShipAnswer(found, stop, is_watched(bells, key.run_id))


@post(
    "/finish",
    status_code=200,
    summary="The last bytes of a run and how it ended, in one",
    request_max_body_size=LONGEST_LIST,
)
async def finish(
    key: Rank,
    request: Request[None, None, State],
    database: Database,
    objects: Objects,
    clock: Clock,
    limits: Limits,
) -> Response[bool]:
    """False, and nothing has happened, where bytes before these are missing: send those first."""
    header, body = _split(await request.body(), FinishHeader)
    outcome = Outcome(**msgspec.structs.asdict(header.outcome))
    ends = {stream: offset + length for stream, offset, length in header.segments}

    def end(write: Write) -> bool:
        here = _append(write, key, header, body, clock, limits)
        if any(here[stream] < end for stream, end in ends.items()):
            raise _Gap
        attempts.ended(write, key.run_id, key.attempt, key.rank, outcome, clock.now())
        attempts.closed(write, key.run_id, key.attempt, key.rank, [], clock.now())
        return sealing.seal_small(write, key.run_id, key.attempt)

    try:
        sealed = await database.write(end)
    except _Gap:
        return Response(False)
    if sealed:
        return Response(True)
    # Whoever waits for the end need not wait for long books to be closed: queries answer the same before and after.
    closing = partial(sealing.seal, database, objects.files, key.run_id, key.attempt, clock)
    return Response(True, background=BackgroundTask(asyncio.to_thread, closing))


class _Gap(Exception):
    """Bytes are missing between what is here and what was sent."""


def _append(
    write: Write, key: Rank, header: ShipHeader, body: bytes, clock: Clock, limits: Limits
) -> dict[str, int]:
    """Keep the bytes of a batch; how much of each stream is here then."""
    attempts.find(write, key.run_id, key.attempt, key.rank)
    found: dict[str, int] = {}
    start = 0
    for stream, offset, length in header.segments:
        part = body[start : start + length]
        start += length
        stream_key = StreamKey(key.run_id, key.attempt, key.rank, stream)
        done = ingest.append(
            write,
            stream_key,
            offset,
            part,
            clock.now(),
            closing=header.closing,
            log_bytes=limits.log_bytes,
        )
        found[stream] = done.offset
        _apply(write, key.run_id, done.events)
    return found


@post(
    "/files",
    status_code=200,
    summary="Keep files of the server's own host under the names given",
    request_max_body_size=LONGEST_LIST,
)
async def keep_files(
    key: Rank, data: LocalFiles, database: Database, objects: Objects, clock: Clock
) -> list[RefusedFile]:
    """Those that are not kept; with `some` false there are none."""
    wanted: dict[str, Path] = {}
    refused: dict[str, UserErrorException] = {}
    for file in data.files:
        try:
            wanted[_check_file(file)] = Path(file.path)
        except UserErrorException as error:
            refused[file.name] = error
    done = await asyncio.to_thread(objects.files.put_files, list(wanted.values()), take=data.take)
    stored: dict[str, StoredFile] = {}
    for name, found in zip(wanted, done, strict=True):
        if isinstance(found, UserErrorException):
            refused[name] = found
        else:
            stored[name] = StoredFile(*found)
    if refused and not data.some:
        raise next(iter(refused.values()))
    now = clock.now()

    def keep(write: Write) -> None:
        attempts.find(write, key.run_id, key.attempt, key.rank)
        run_files.put_files(write, key.run_id, stored, now)

    await database.write(keep)
    return [RefusedFile(name, error.message) for name, error in refused.items()]


def _check_file(file: NamedFile) -> str:
    name = check_name(file.name)
    if name.startswith("azureml-logs/"):
        raise UserErrorException(f"{name[:80]!r} is a place of the run's own logs. Use another folder.")
    if not Path(file.path).is_absolute() or "\0" in file.path:
        raise UserErrorException(f"{file.path[:300]!r} is not an absolute path.")
    return name


@put("/notes/{code:str}", status_code=204, summary="Something that the reader of the run must know")
async def add_note(key: Rank, code: str, data: NoteReport, database: Database) -> None:
    def add(write: Write) -> None:
        attempts.find(write, key.run_id, key.attempt, key.rank)
        store.add_note(write, key.run_id, code[:64], data.message[:4000], about=data.about)
        write.ring(moves.topic(key.run_id))

    await database.write(add)


def _split(data: bytes, kind: type[Header]) -> tuple[Header, bytes]:
    length = int.from_bytes(data[:4], "little")
    try:
        header = msgspec.json.decode(data[4 : 4 + length], type=kind)
    except msgspec.DecodeError as error:
        raise UserErrorException(f"The head of the batch cannot be read: {error}.") from error
    body = data[4 + length :]
    lengths = [part[2] for part in header.segments]
    if any(part < 0 for part in lengths) or sum(lengths) != len(body):
        raise UserErrorException(f"The batch holds {len(body)} bytes, its head says {sum(lengths)}.")
    return header, body


def _apply(write: Write, run_id: str, events: tuple[Event, ...]) -> None:
    tags: dict[str, str] = {}
    for event in events:
        if event.op == "tag":
            key, value = marks.fitting(event.data["key"], _text(event.data["value"]))
            tags[key] = value
        else:
            about = str(event.data.get("about", ""))
            store.add_note(
                write, run_id, str(event.data["code"])[:64] or "note", str(event.data["message"]), about=about
            )
    if tags and record.take_tags(write, run_id, tags):
        store.add_note(write, run_id, "tags_left_out", _TAGS_LEFT_OUT)
    if events:
        store.update(write, run_id, {})
        write.ring(moves.topic(run_id))


def _text(value: object) -> str:
    return "" if value is None else str(value)


attempt_routes = Router(
    "/attempts/{run_id:str}/{attempt:int}/{rank:int}",
    route_handlers=[offsets, started, ended, closed, ship, finish, keep_files, add_note],
    dependencies={"key": Provide(provide_rank, sync_to_thread=False)},
)
router = Router("/", route_handlers=[work, open_attempts, attempt_routes], tags=["runners"])
