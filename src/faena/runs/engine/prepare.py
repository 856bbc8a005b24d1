"""Preparing: the environment of a run is found, or built by whoever asks first; everybody who waits sees the log."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from functools import partial
from pathlib import Path

import msgspec
from msgspec import Struct

from faena.compute import store as compute
from faena.compute.kinds import ClusterKind
from faena.db import Database, Read, Write
from faena.environments import credentials, host
from faena.environments import service as environments
from faena.environments import store as locks
from faena.environments.model import EnvironmentSpec, Lock
from faena.environments.prepare import find_built, find_lock, find_ready
from faena.environments.service import Build, ReadyEnvironment
from faena.kernel.clock import Clock, Micros
from faena.kernel.errors import EnvironmentBuildException, FaenaError, NotFound
from faena.kernel.notifications import Notifications
from faena.runs import build_queue, package_dates, record_store, store, transitions
from faena.runs.engine.build_log import BUILD_LOG, BuildLog
from faena.runs.model import EndReason, Outcome, Run, RunStatus
from faena.runs.submission_schemas import Submission
from faena.tracking import ingest
from faena.tracking.model import StreamKey

_TRIES = 3
_LOOK = 0.1
_TOGETHER = 100
"""Runs that go on in one transaction when their environment is ready."""


NEW_LOCK = "new_lock"
"""The note of a run that was to have the environment of another one and got a new one."""


class Wanted(Struct, frozen=True):
    """The environment that a run waits for. Equal keys are one build."""

    spec: EnvironmentSpec
    lock: Lock | None
    """Built as it is; None: the spec is resolved."""
    elsewhere: bool = False
    """Nodes of other machines build it from the lock; here it is resolved only."""

    @property
    def key(self) -> str:
        if self.elsewhere:
            return f"resolved-{self.spec.digest}"
        return self.spec.digest if self.lock is None else f"{self.lock.digest}-{self.spec.digest[:16]}"


class Preparation:
    def __init__(self, database: Database, notifications: Notifications, folder: Path, clock: Clock) -> None:
        self._database = database
        self._notifications = notifications
        self._folder = folder
        self._clock = clock
        self._builds: dict[str, asyncio.Task[None]] = {}
        self._logs: dict[str, BuildLog] = {}
        """Of what is being built, by key."""

    async def step(self) -> None:
        """Start a build for each environment that a run waits for and nobody builds yet."""
        for key in [key for key, task in self._builds.items() if task.done()]:
            self._builds.pop(key).result()
        keys, unsorted = await self._database.read_first(_waited_for)
        while unsorted:
            await self._database.write(self._sort)
            keys, unsorted = await self._database.read_first(_waited_for)
        for key in keys:
            if key in self._builds:
                continue
            wanted = await self._database.read_first(partial(_wanted_of, build=key))
            if wanted is None:
                await self._database.write(partial(self._end_unreadable, build=key))
                continue
            ready = await asyncio.to_thread(find, wanted)
            if ready is None:
                self._builds[key] = asyncio.create_task(self._build(wanted))
            else:
                await self._settle(wanted, ready)

    @property
    def has_builds(self) -> bool:
        """Whether there are builds, ended ones among them that nobody has looked at yet."""
        return bool(self._builds)

    @property
    def is_busy(self) -> bool:
        return any(not task.done() for task in self._builds.values())

    async def bring_log(self, run_id: str) -> None:
        """Have a run that waits for a build hold all that was said there: somebody asks."""
        for log in list(self._logs.values()):
            await self._bring(log, [run_id])

    async def _bring(self, log: BuildLog, run_ids: Collection[str]) -> None:
        if runs := await self._database.read_first(partial(log.due, run_ids=run_ids)):
            await self._database.write(partial(log.bring, runs=runs, now=self._clock.now()))

    def _followed(self) -> list[str]:
        """Runs whose logs somebody is subscribed to."""
        topics = self._notifications.topics()
        return [run_id for topic in topics if (run_id := ingest.run_of_logs(topic))]

    async def _build(self, wanted: Wanted) -> None:
        for _ in range(_TRIES):
            build = Build(
                wanted.spec, self._folder / wanted.key, lock=wanted.lock, resolve_only=wanted.elsewhere
            )
            try:
                await build.start()
            except OSError as error:
                await self._settle(
                    wanted, FaenaError(f"The environment's builder could not be started: {error}.")
                )
                return
            log = self._logs[wanted.key] = BuildLog(wanted.key, build.log)
            try:
                while not await build.wait(_LOOK):
                    if followed := self._followed():
                        await self._bring(log, followed)
            finally:
                del self._logs[wanted.key]
            if (result := build.result()) is not None:
                await self._settle(wanted, result, log)
                return
        await self._settle(wanted, environments.KILLED)

    def _sort(self, write: Write) -> None:
        """Find out which build these runs wait for: an older Faena has not written it down."""
        for run_id in build_queue.without_build(write, _TOGETHER):
            run = store.get_many(write, [run_id]).get(run_id)
            try:
                key = wanted_by(write, run).key if run is not None else None
            except store.UNREADABLE:
                key = None
            if key is None:
                transitions.end_unreadable(write, run_id, "its submission", self._clock.now())
            else:
                store.update(write, run_id, {"build": key})

    def _end_unreadable(self, write: Write, build: str) -> None:
        """All that are left of a build, since one that can be read would have told what is to be built."""
        for run_id in build_queue.for_build(write, build, _TOGETHER):
            transitions.end_unreadable(write, run_id, "its submission", self._clock.now())

    async def _settle(
        self, wanted: Wanted, result: ReadyEnvironment | FaenaError, log: BuildLog | None = None
    ) -> None:
        """Have the runs go on, so many in a transaction: whoever else writes waits for no more."""
        while await self._database.write(partial(self._tell_some, wanted=wanted, result=result, log=log)):
            pass
        credentials.forget(wanted.spec.digest)

    def _tell_some(
        self, write: Write, wanted: Wanted, result: ReadyEnvironment | FaenaError, log: BuildLog | None
    ) -> bool:
        """Whether there may be more."""
        now = self._clock.now()
        run_ids = build_queue.for_build(write, wanted.key, _TOGETHER)
        if log is not None:
            log.bring(write, run_ids, now)
        runs = list(store.get_many(write, run_ids).values())
        for run_id in set(run_ids) - {run.id for run in runs}:
            transitions.end_unreadable(write, run_id, "its row", now)
        if isinstance(result, ReadyEnvironment):
            queue_all(write, runs, result, now)
            return len(run_ids) == _TOGETHER
        for run in runs:
            try:
                anew = None if wanted.lock is None or is_exact(run) else spec_of(run)
            except store.UNREADABLE:
                transitions.end_unreadable(write, run.id, "its submission", now)
                continue
            if anew is not None:
                note_new_lock(write, run, result.message, Wanted(anew, None, wanted.elsewhere).key)
                transitions.notify(write, run)
            else:
                transitions.end(write, run, Outcome(EndReason.ENVIRONMENT, result.message), now)
        return len(run_ids) == _TOGETHER


_RESOLVED_ANEW = (
    "The environment of the first run cannot be built here, so that its packages were chosen anew. {}"
)


def has_unprepared(read: Read) -> bool:
    """Whether a run waits for its environment."""
    return bool(build_queue.without_build(read, most=1) or build_queue.builds(read))


def find(wanted: Wanted) -> ReadyEnvironment | None:
    """The environment if it is known and ready. Under 10 ms; starts no process."""
    spec, lock = wanted.spec, wanted.lock
    if wanted.elsewhere:
        known = lock or find_lock(spec)
        return None if known is None else ReadyEnvironment(known, _python_of_nodes(known))
    if lock is not None:
        python = find_built(lock)
        return None if python is None else ReadyEnvironment(lock, str(python))
    found = find_ready(spec)
    return None if found is None else ReadyEnvironment(found[0], str(found[1]))


def _python_of_nodes(lock: Lock) -> str:
    return "" if lock.built else lock.interpreter.path


def why_not_here(lock: Lock) -> str:
    """Why a lock cannot be built on this machine; empty: it can, as far as is seen without trying."""
    try:
        host.named(lock)
    except EnvironmentBuildException as error:
        return error.message
    return ""


def note_new_lock(write: Write, run: Run, why: str, build: str | None = None) -> None:
    """From now on the run waits for what its specification is resolved to, by the build of that key."""
    record_store.add_note(write, run.id, NEW_LOCK, _RESOLVED_ANEW.format(why.split("\n")[0]))
    if build is not None:
        store.update(write, run.id, {"build": build})


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


def await_build(write: Write, run: Run, wanted: Wanted, now: Micros) -> None:
    """The environment must be made first: the run waits for the build that makes it."""
    transitions.move(write, run, RunStatus.PREPARING, now, build=wanted.key)


def queue_all(write: Write, runs: Sequence[Run], ready: ReadyEnvironment, now: Micros) -> None:
    """The environment is ready: the runs wait for nodes from now on."""
    if not runs:
        return
    digest = locks.put(write, ready.lock, now)
    first = [run for run in runs if run.status is RunStatus.NOT_STARTED]
    transitions.move_all(write, [(run, {}) for run in first], RunStatus.PREPARING, now)
    changes = {"queued_at": now, "lock": digest, "python": ready.python, "build": None}
    prepared = [msgspec.structs.replace(run, status=RunStatus.PREPARING) for run in runs]
    transitions.move_all(write, [(run, changes) for run in prepared], RunStatus.QUEUED, now)
    for run in runs if ready.lock.as_of else ():
        asked = msgspec.json.decode(run.submission, type=Submission).environment
        package_dates.note(write, run.id, asked, ready.lock)


def is_exact(run: Run) -> bool:
    return msgspec.json.decode(run.submission, type=Submission).exact


def wanted_by(read: Read, run: Run) -> Wanted:
    """A run that has the note was told that its lock cannot be built: its environment is resolved."""
    submission = msgspec.json.decode(run.submission, type=Submission)
    given_up = submission.lock and NEW_LOCK in dict(record_store.list_notes(read, run.id))
    lock = None if given_up or not submission.lock else locks.get(read, submission.lock)
    return Wanted(environments.spec_of(submission.environment), lock, is_elsewhere(read, run.cluster))


def is_elsewhere(read: Read, cluster: str) -> bool:
    """Whether its nodes are on other machines."""
    found = compute.cluster(read, cluster)
    return found is not None and found.kind is not ClusterKind.LOCAL


def _waited_for(read: Read) -> tuple[list[str], bool]:
    """The builds that runs wait for, and whether there are runs of which that is not known yet."""
    return build_queue.builds(read), bool(build_queue.without_build(read, 1))


def _wanted_of(read: Read, build: str) -> Wanted | None:
    """What a build is to make, as one of the runs says that wait for it; None where none of them can be read."""
    for run_id in build_queue.for_build(read, build, _TOGETHER):
        try:
            return wanted_by(read, store.get_many(read, [run_id])[run_id])
        except store.UNREADABLE:
            continue
    return None
