"""Preparing: the environment of a run is found, or built by whoever asks first; everybody who waits sees the log."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

import msgspec

from faena.db import Database, Read, Write
from faena.environments import service as environments
from faena.environments import store as locks
from faena.environments import wallet
from faena.environments.model import EnvironmentSpec
from faena.environments.prepare import find_ready
from faena.environments.service import Build, ReadyEnvironment
from faena.kernel.clock import Clock, Micros
from faena.kernel.errors import FaenaError
from faena.runs import moves, store
from faena.runs.model import EndReason, Outcome, Run, RunStatus
from faena.runs.schemas import Submission
from faena.tracking import ingest
from faena.tracking.model import StreamKey

BUILD_LOG = "log/azureml-logs/20_image_build_log.txt"
_TRIES = 3
_LOOK = 0.1


class Preparation:
    def __init__(self, database: Database, folder: Path, clock: Clock) -> None:
        self._database = database
        self._folder = folder
        self._clock = clock
        self._builds: dict[str, asyncio.Task[None]] = {}

    async def step(self) -> None:
        """Start a build for each environment that a run waits for and nobody builds yet."""
        for digest in [digest for digest, task in self._builds.items() if task.done()]:
            self._builds.pop(digest).result()
        for run in await self._database.read(_unprepared):
            spec = spec_of(run)
            if spec.digest in self._builds:
                continue
            ready = await asyncio.to_thread(find_ready, spec)
            if ready is None:
                self._builds[spec.digest] = asyncio.create_task(self._build(spec))
            else:
                await self._settle(spec, ReadyEnvironment(ready[0], str(ready[1])))

    @property
    def is_busy(self) -> bool:
        return any(not task.done() for task in self._builds.values())

    async def _build(self, spec: EnvironmentSpec) -> None:
        for _ in range(_TRIES):
            build = Build(spec, self._folder / spec.digest)
            try:
                await build.start()
            except OSError as error:
                await self._settle(
                    spec, FaenaError(f"The environment's builder could not be started: {error}.")
                )
                return
            offsets: dict[str, int] = {}
            ended = False
            while not ended:
                ended = await build.wait(_LOOK)
                await self._database.write(partial(self._show, spec=spec, log=build.log, offsets=offsets))
            if (result := build.result()) is not None:
                await self._settle(spec, result)
                return
        await self._settle(spec, environments.KILLED)

    def _show(self, write: Write, spec: EnvironmentSpec, log: Path, offsets: dict[str, int]) -> None:
        """Bring the build's log to every run that waits for it."""
        now = self._clock.now()
        for run in _waiting_for(write, spec):
            if run.status is RunStatus.NOT_STARTED:
                moves.move(write, run, RunStatus.PREPARING, now)
            data = _read_from(log, offsets.get(run.id, 0))
            if data:
                key = StreamKey(run.id, 0, 0, BUILD_LOG)
                offsets[run.id] = ingest.append(write, key, offsets.get(run.id, 0), data, now).offset

    async def _settle(self, spec: EnvironmentSpec, result: ReadyEnvironment | FaenaError) -> None:
        await self._database.write(partial(self._tell_runs, spec=spec, result=result))
        wallet.forget(spec.digest)

    def _tell_runs(self, write: Write, spec: EnvironmentSpec, result: ReadyEnvironment | FaenaError) -> None:
        now = self._clock.now()
        for run in _waiting_for(write, spec):
            if isinstance(result, FaenaError):
                moves.end(write, run, Outcome(EndReason.ENVIRONMENT, result.message), now)
            else:
                queue(write, run, result, now)


def spec_of(run: Run) -> EnvironmentSpec:
    return environments.spec_of(msgspec.json.decode(run.submission, type=Submission).environment)


def queue(write: Write, run: Run, ready: ReadyEnvironment, now: Micros) -> None:
    """The environment is ready: the run waits for nodes from now on."""
    digest = locks.put(write, ready.lock, now)
    if run.status is RunStatus.NOT_STARTED:
        moves.move(write, run, RunStatus.PREPARING, now)
        run = store.get(write, run.id) or run
    moves.move(write, run, RunStatus.QUEUED, now, queued_at=now, lock=digest, python=ready.python)


def _unprepared(read: Read) -> list[Run]:
    waiting = (RunStatus.NOT_STARTED, RunStatus.PREPARING)
    return [run for run in store.unfinished(read) if run.status in waiting]


def _waiting_for(read: Read, spec: EnvironmentSpec) -> list[Run]:
    return [run for run in _unprepared(read) if spec_of(run).digest == spec.digest]


def _read_from(path: Path, offset: int) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(offset)
            return file.read(1 << 20)
    except FileNotFoundError:
        return b""
