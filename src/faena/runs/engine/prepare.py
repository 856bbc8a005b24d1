"""Preparing: the environment of a run is found, or built by whoever asks first; everybody who waits sees the log."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import msgspec

from faena.db import Database, Read, Write
from faena.environments import service as environments
from faena.environments import store as locks
from faena.environments import wallet
from faena.environments.build import refuse_host
from faena.environments.model import EnvironmentSpec, Lock
from faena.environments.prepare import find_built, find_ready
from faena.environments.service import Build, ReadyEnvironment
from faena.kernel.clock import Clock, Micros
from faena.kernel.errors import EnvironmentBuildException, FaenaError, NotFound
from faena.runs import moves, store
from faena.runs.model import EndReason, Outcome, Run, RunStatus
from faena.runs.schemas import Submission
from faena.tracking import ingest
from faena.tracking.model import StreamKey

BUILD_LOG = "log/azureml-logs/20_image_build_log.txt"
_TRIES = 3
_LOOK = 0.1


NEW_LOCK = "new_lock"
"""The note of a run that was to have the environment of another one and got a new one."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The environment that a run waits for. Equal keys are one build."""

    spec: EnvironmentSpec
    lock: Lock | None
    """Built as it is; None: the spec is resolved."""
    exact: bool

    @property
    def key(self) -> str:
        return self.spec.digest if self.lock is None else f"{self.lock.digest}-{self.spec.digest[:16]}"


class Preparation:
    def __init__(self, database: Database, folder: Path, clock: Clock) -> None:
        self._database = database
        self._folder = folder
        self._clock = clock
        self._builds: dict[str, asyncio.Task[None]] = {}

    async def step(self) -> None:
        """Start a build for each environment that a run waits for and nobody builds yet."""
        for key in [key for key, task in self._builds.items() if task.done()]:
            self._builds.pop(key).result()
        for wanted in await self._database.read_first(_wanted_by_any):
            if wanted.key in self._builds:
                continue
            ready = await asyncio.to_thread(find, wanted.spec, wanted.lock)
            if ready is None:
                self._builds[wanted.key] = asyncio.create_task(self._build(wanted))
            else:
                await self._settle(wanted, ready)

    @property
    def is_busy(self) -> bool:
        return any(not task.done() for task in self._builds.values())

    async def _build(self, wanted: Wanted) -> None:
        for _ in range(_TRIES):
            build = Build(wanted.spec, self._folder / wanted.key, lock=wanted.lock)
            try:
                await build.start()
            except OSError as error:
                await self._settle(
                    wanted, FaenaError(f"The environment's builder could not be started: {error}.")
                )
                return
            offsets: dict[str, int] = {}
            ended = False
            while not ended:
                ended = await build.wait(_LOOK)
                await self._database.write(partial(self._show, wanted=wanted, log=build.log, offsets=offsets))
            if (result := build.result()) is not None:
                await self._settle(wanted, result)
                return
        await self._settle(wanted, environments.KILLED)

    def _show(self, write: Write, wanted: Wanted, log: Path, offsets: dict[str, int]) -> None:
        """Bring the build's log to every run that waits for it."""
        now = self._clock.now()
        for run, _ in _waiting_for(write, wanted):
            if run.status is RunStatus.NOT_STARTED:
                moves.move(write, run, RunStatus.PREPARING, now)
            offset = offsets.get(run.id, 0)
            data = _read_from(log, offset)
            if data:
                key = StreamKey(run.id, 0, 0, BUILD_LOG)
                offsets[run.id] = ingest.append(write, key, offset, data, now).offset

    async def _settle(self, wanted: Wanted, result: ReadyEnvironment | FaenaError) -> None:
        await self._database.write(partial(self._tell_runs, wanted=wanted, result=result))
        wallet.forget(wanted.spec.digest)

    def _tell_runs(self, write: Write, wanted: Wanted, result: ReadyEnvironment | FaenaError) -> None:
        now = self._clock.now()
        for run, asked in _waiting_for(write, wanted):
            if isinstance(result, ReadyEnvironment):
                queue(write, run, result, now)
            elif asked.lock is not None and not asked.exact:
                note_new_lock(write, run, result.message)
                moves.tell(write, run)
            else:
                moves.end(write, run, Outcome(EndReason.ENVIRONMENT, result.message), now)


_RESOLVED_ANEW = (
    "The environment of the first run cannot be built here, so that its packages were chosen anew. {}"
)


def find(spec: EnvironmentSpec, lock: Lock | None) -> ReadyEnvironment | None:
    """The environment if it is known and ready. Under 10 ms; starts no process."""
    if lock is not None:
        python = find_built(lock)
        return None if python is None else ReadyEnvironment(lock, str(python))
    found = find_ready(spec)
    return None if found is None else ReadyEnvironment(found[0], str(found[1]))


def why_not_here(lock: Lock) -> str:
    """Why a lock cannot be built on this machine; empty: it can, as far as is seen without trying."""
    try:
        refuse_host(lock)
    except EnvironmentBuildException as error:
        return error.message
    return ""


def note_new_lock(write: Write, run: Run, why: str) -> None:
    """From now on the run waits for what its specification is resolved to."""
    store.add_note(write, run.id, NEW_LOCK, _RESOLVED_ANEW.format(why.split("\n")[0]))


def lock_of(read: Read, submission: Submission) -> Lock | None:
    """The lock that a submission names. Raises NotFound where the workspace has none such."""
    if not submission.lock:
        return None
    found = locks.get(read, submission.lock)
    if found is None:
        raise NotFound(f"No run of this workspace has the environment {submission.lock[:80]!r}.")
    return found


def spec_of(run: Run) -> EnvironmentSpec:
    return environments.spec_of(msgspec.json.decode(run.submission, type=Submission).environment)


def show_notes(write: Write, run: Run, spec: EnvironmentSpec, now: Micros) -> None:
    """What the submitter's side noted, in the build log of a run that needs no build."""
    if spec.notes:
        text = "".join(f"{note}\n" for note in spec.notes)
        ingest.append(write, StreamKey(run.id, 0, 0, BUILD_LOG), 0, text.encode(), now)


def queue(write: Write, run: Run, ready: ReadyEnvironment, now: Micros) -> None:
    """The environment is ready: the run waits for nodes from now on."""
    digest = locks.put(write, ready.lock, now)
    if run.status is RunStatus.NOT_STARTED:
        moves.move(write, run, RunStatus.PREPARING, now)
        run = store.get(write, run.id) or run
    moves.move(write, run, RunStatus.QUEUED, now, queued_at=now, lock=digest, python=ready.python)


def _wanted(read: Read, run: Run) -> Wanted:
    """A run that has the note was told that its lock cannot be built: its environment is resolved."""
    submission = msgspec.json.decode(run.submission, type=Submission)
    spec = environments.spec_of(submission.environment)
    given_up = submission.lock and NEW_LOCK in dict(store.list_notes(read, run.id))
    lock = None if given_up or not submission.lock else locks.get(read, submission.lock)
    return Wanted(spec, lock, submission.exact)


def _wanted_by_any(read: Read) -> list[Wanted]:
    return [_wanted(read, run) for run in _unprepared(read)]


def _unprepared(read: Read) -> list[Run]:
    return store.unfinished(read, RunStatus.NOT_STARTED, RunStatus.PREPARING)


def _waiting_for(read: Read, wanted: Wanted) -> list[tuple[Run, Wanted]]:
    """Each with what it asked for itself."""
    found = [(run, _wanted(read, run)) for run in _unprepared(read)]
    return [(run, asked) for run, asked in found if asked.key == wanted.key]


def _read_from(path: Path, offset: int) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(offset)
            return file.read(1 << 20)
    except FileNotFoundError:
        return b""
