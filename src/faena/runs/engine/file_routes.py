"""HTTP of runners: files of their host that a run keeps, and the script's checkpoint."""

from __future__ import annotations

from pathlib import Path

from litestar import Request, get, post, put
from litestar.datastructures import State
from msgspec import Struct

from faena.attempts.key import AttemptKey
from faena.db import Database, Write
from faena.kernel import digests
from faena.kernel.batches import LONGEST_LIST
from faena.kernel.clock import Clock, Micros
from faena.kernel.errors import UserErrorException
from faena.kernel.lanes import RUNS
from faena.kernel.on_host import HostFile
from faena.kernel.rights import HOST
from faena.objects.service import Objects
from faena.runs import attempt_store, checkpoint_store
from faena.runs.checkpoint_store import TakenFile
from faena.runs.engine import attempts
from faena.runs.engine.batches import Rank
from faena.runs.engine.checkpoint_taking import CheckpointSet, CheckpointTaken, Taking
from faena.runs.far_files import FarFiles
from faena.tracking import files as run_files
from faena.tracking.model import StoredFile, check_name


class NamedFile(Struct, frozen=True):
    name: str
    path: HostFile


class LocalFiles(Struct, frozen=True):
    files: list[NamedFile]
    take: bool = False
    some: bool = False
    """Keep those that can be kept, and answer why others cannot; else all or none are kept."""


class NamedObject(Struct, frozen=True):
    name: str
    digest: str


class NamedObjects(Struct, frozen=True):
    files: list[NamedObject]
    some: bool = False
    """As of `LocalFiles`."""


class RefusedFile(Struct, frozen=True):
    name: str
    message: str


@post(
    "/files",
    status_code=200,
    summary="Keep files of the server's own host under the names given",
    request_max_body_size=LONGEST_LIST,
    opt=HOST,
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
    done = await RUNS.run(objects.files.put_files, list(wanted.values()), take=data.take)
    stored: dict[str, StoredFile] = {}
    for name, found in zip(wanted, done, strict=True):
        if isinstance(found, UserErrorException):
            refused[name] = found
        else:
            stored[name] = StoredFile(*found)
    if refused and not data.some:
        raise next(iter(refused.values()))
    refused |= await database.write(lambda write: keep(write, key, stored, clock.now()))
    return [RefusedFile(name, error.message) for name, error in refused.items()]


@post(
    "/objects",
    status_code=200,
    summary="Keep objects under the names given: files of a host elsewhere, whose bytes were sent",
    request_max_body_size=LONGEST_LIST,
    opt=HOST,
)
async def keep_objects(
    key: Rank, data: NamedObjects, database: Database, objects: Objects, clock: Clock
) -> list[RefusedFile]:
    """Those that are not kept; with `some` false there are none."""
    wanted: dict[str, str] = {}
    refused: dict[str, UserErrorException] = {}
    for file in data.files:
        try:
            wanted[_check_name(file.name)] = digests.check(file.digest)
        except UserErrorException as error:
            refused[file.name] = error
    if refused and not data.some:
        raise next(iter(refused.values()))
    sizes = await objects.sent(dict.fromkeys(wanted.values()))
    stored = {name: StoredFile(digest, sizes[digest]) for name, digest in wanted.items()}
    refused |= await database.write(lambda write: keep(write, key, stored, clock.now()))
    return [RefusedFile(name, error.message) for name, error in refused.items()]


@put(
    "/checkpoint",
    summary="The files of the script's checkpoint that are whole, in the place of those before",
    request_max_body_size=LONGEST_LIST,
    opt=HOST,
)
async def take_checkpoint(
    key: Rank, data: CheckpointSet, database: Database, objects: Objects, clock: Clock
) -> CheckpointTaken:
    return await Taking(database, objects, clock).take(key, data)


@get("/checkpoint", summary="What was taken of the script's checkpoint", opt=HOST)
async def taken_checkpoint(key: Rank, database: Database) -> list[TakenFile]:
    return await database.read_first(
        lambda read: checkpoint_store.of_attempt(read, key.run_id, key.attempt, key.rank)
    )


@post(
    "/answers/{question:str}", status_code=204, summary="What was asked about files of the script", opt=HOST
)
async def answer_about_files(
    run_id: str,
    attempt: int,
    rank: int,
    question: str,
    request: Request[None, None, State],
    far: FarFiles,
) -> None:
    far.answer(AttemptKey(run_id, attempt, rank).name, question, await request.body())


def keep(
    write: Write, key: Rank, stored: dict[str, StoredFile], now: Micros
) -> dict[str, UserErrorException]:
    """Those that are not, since a later attempt has begun and they would replace what it may have written."""
    attempts.check(write, key.run_id, key.attempt, key.rank)
    refused: dict[str, UserErrorException] = {}
    if attempt_store.is_superseded(write, key.run_id, key.attempt):
        there = {file.name: file.digest for file in run_files.files(write, key.run_id)}
        refused = {
            name: UserErrorException(
                f"attempt {key.attempt} is over, and the run has another file of this name."
            )
            for name, file in stored.items()
            if there.get(name, file.digest) != file.digest
        }
    kept = {name: file for name, file in stored.items() if name not in refused}
    run_files.put_files(write, key.run_id, kept, now)
    return refused


def _check_name(given: str) -> str:
    name = check_name(given)
    if name.startswith("azureml-logs/"):
        raise UserErrorException(f"{name[:80]!r} is a place of the run's own logs. Use another folder.")
    return name


def _check_file(file: NamedFile) -> str:
    name = _check_name(file.name)
    if not Path(file.path).is_absolute() or "\0" in file.path:
        raise UserErrorException(f"{file.path[:300]!r} is not an absolute path.")
    return name


handlers = [keep_files, keep_objects, take_checkpoint, taken_checkpoint, answer_about_files]
