"""Looks after endpoints: prepares what is deployed, tells the fronts, keeps them alive, writes down what they say."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from functools import partial

from faena.compute.leases import Leases
from faena.db import Database, Read, Write
from faena.endpoints import preparing, service, store
from faena.endpoints.elsewhere.keeper import FarKeeper, Seen, moved
from faena.endpoints.elsewhere.machines import Machines
from faena.endpoints.folder import EndpointFolder
from faena.endpoints.fronts import Fronts
from faena.endpoints.model import Endpoint, Revision, Stage
from faena.endpoints.pace import LOOK, Pace
from faena.endpoints.plans import plan
from faena.endpoints.schemas import FailureView
from faena.endpoints.settling import Settled, settle
from faena.environments import store as locks
from faena.kernel.clock import Clock
from faena.kernel.errors import FaenaError
from faena.kernel.notifications import Notifications
from faena.objects.service import Objects
from faena.scoring import desired
from faena.scoring.status import Status
from faena.workspaces.model import WorkspaceFolder

_log = logging.getLogger(__name__)

_LEAVING = 0.1
"""Seconds between two looks at a front that is to leave."""
_QUIET = 60.0
"""While there is no endpoint."""


class Keeper:
    def __init__(
        self,
        database: Database,
        objects: Objects,
        notifications: Notifications,
        clock: Clock,
        workspace: WorkspaceFolder,
        machines: Machines,
        leases: Leases,
    ) -> None:
        self._database = database
        self._objects = objects
        self._notifications = notifications
        self._clock = clock
        self._workspace = workspace
        self._fronts = Fronts()
        self._far = FarKeeper(database, machines, leases, workspace.path, clock.monotonic)
        self._preparing: dict[tuple[str, int], asyncio.Task[None]] = {}
        self._told: dict[str, desired.Endpoint] = {}
        self._seen: set[tuple[str, int]] = set()
        """Revisions whose folder and environment were there."""
        self._pace = Pace()

    async def run_forever(self) -> None:
        with self._notifications.subscribe(service.ENDPOINTS) as subscription:
            try:
                while True:
                    await subscription.wait(await self.step())
            finally:
                for task in self._preparing.values():
                    task.cancel()

    async def step(self) -> float:
        """Do what is due; seconds until the next look."""
        found = await self._database.read_first(store.all_with_revisions)
        there = [endpoint for endpoint, _ in found]
        await self._far.begin(there)
        pauses = [_QUIET]
        for endpoint, revisions in found:
            try:
                pauses.append(await self._keep(endpoint, revisions))
            except Exception as error:  # noqa: BLE001  a defect of one must not end the care for all endpoints
                _complain(endpoint.name, error)
                pauses.append(LOOK)
        await self._far.end(there)
        return min(pauses)

    async def _keep(self, endpoint: Endpoint, revisions: Sequence[Revision]) -> float:
        folder = self._folder(endpoint.name)
        if endpoint.deleted_at is not None:
            return await self._remove(endpoint, folder)
        if endpoint.settings.cluster:
            return await self._keep_far(endpoint, revisions, folder)
        if await self._misses_some(endpoint, revisions, folder):
            return 0.0
        if self._prepare(endpoint, revisions, folder):
            with contextlib.suppress(OSError):  # it is told where one is started that is needed now
                await asyncio.to_thread(self._prepare_front, folder)
        status, trouble = await self._look_after(endpoint, revisions, folder)
        gone = await self._settle(endpoint, settled := settle(endpoint, revisions, status, trouble))
        for number in gone:
            await asyncio.to_thread(folder.unstage, number)
        is_coming = settled.endpoint.wanted is not None and trouble is None
        return self._pace.until_next(endpoint.name, endpoint.latest if is_coming else None)

    async def _keep_far(
        self, endpoint: Endpoint, revisions: Sequence[Revision], folder: EndpointFolder
    ) -> float:
        """As `_keep`, of one whose front is on another machine."""
        self._prepare(endpoint, revisions, folder)
        try:
            seen = await self._far.look_after(endpoint, revisions)
        except (FaenaError, OSError) as error:
            _complain(endpoint.name, error)
            seen = Seen(trouble=FailureView(f"The endpoint cannot be looked after: {error}"))
        if seen.moved_to:
            await self._settle(endpoint, Settled(moved(endpoint, seen.moved_to, seen.status)))
            return 0.0
        if not seen.is_known:
            return LOOK
        settled = settle(endpoint, revisions, seen.status, seen.trouble)
        await self._settle(endpoint, settled)
        is_coming = settled.endpoint.wanted is not None and seen.trouble is None
        return self._pace.until_next(endpoint.name, endpoint.latest if is_coming else None)

    async def _settle(self, endpoint: Endpoint, settled: Settled) -> list[int]:
        """Write down what has come of it; the revisions that are forgotten."""
        gone = [each.number for each in settled.forgotten]
        if settled.endpoint == endpoint and not settled.failed:
            return []

        def write_down(write: Write) -> None:
            now = store.get(write, endpoint.name)
            if now != endpoint:  # somebody has changed it meanwhile: it is looked at again
                write.notify(service.ENDPOINTS)
                return
            for revision, why in settled.failed:
                store.set_stage(write, revision, Stage.FAILED, failure=why)
            for revision in settled.retired:
                store.set_stage(write, revision, Stage.RETIRED)
            store.forget_revisions(write, endpoint.name, gone)
            service.put(write, settled.endpoint, self._clock.now())

        await self._database.write(write_down)
        return gone

    async def _look_after(
        self, endpoint: Endpoint, revisions: Sequence[Revision], folder: EndpointFolder
    ) -> tuple[Status | None, FailureView | None]:
        """What the front says, which lives by then; and where a full disk or a damaged file is in the way, why."""
        try:
            told = await self._database.read_first(
                partial(self._plan, endpoint=endpoint, revisions=revisions)
            )
            if told is not None:
                return await asyncio.to_thread(self._tend, folder, told), None
            if not any(name == endpoint.name for name, _ in self._preparing):
                self._fronts.dismiss(endpoint.name)
            return None, None
        except (FaenaError, OSError) as error:
            _complain(endpoint.name, error)
            trouble = FailureView(f"The endpoint cannot be looked after: {error}")
            with contextlib.suppress(OSError):
                return await asyncio.to_thread(folder.said), trouble
            return None, trouble

    async def _misses_some(
        self, endpoint: Endpoint, revisions: Sequence[Revision], folder: EndpointFolder
    ) -> bool:
        """Whether some must be made again.

        Once for each: a backup holds neither folders nor environments, and this workspace may be a restored one.
        """
        missing = False
        for revision in revisions:
            key = (endpoint.name, revision.number)
            if revision.stage is not Stage.READY or key in self._seen:
                continue
            self._seen.add(key)
            if not await asyncio.to_thread(preparing.is_there, revision, folder):
                await self._database.write(partial(_prepare_again, revision=revision))
                missing = True
        return missing

    def _prepare(self, endpoint: Endpoint, revisions: Sequence[Revision], folder: EndpointFolder) -> bool:
        """Begin what nobody has begun yet. Whether that will soon be there: no environment has to be built for it."""
        is_soon = False
        for key in [key for key, task in self._preparing.items() if task.done()]:
            self._preparing.pop(key)
        for revision in revisions:
            key = (endpoint.name, revision.number)
            if (
                revision.stage is Stage.PREPARING
                and revision.number in endpoint.used
                and key not in self._preparing
            ):
                self._preparing[key] = asyncio.create_task(self._make(endpoint, revision, folder))
                is_soon = is_soon or revision.python is not None
        return is_soon

    def _prepare_front(self, folder: EndpointFolder) -> None:
        folder.make()
        self._fronts.prepare(folder)

    async def _make(self, endpoint: Endpoint, revision: Revision, folder: EndpointFolder) -> None:
        """On another machine all but its lock is made there."""
        is_far = bool(endpoint.settings.cluster)
        try:
            await asyncio.to_thread(folder.make)
            builds = folder.path / "builds" / str(revision.number)
            ready = await preparing.environment(self._database, revision, builds, elsewhere=is_far)
            if not is_far:
                await preparing.stage(self._database, self._objects, folder, revision)
        except FaenaError as error:
            await self._database.write(partial(_fail, revision=revision, why=FailureView(error.message)))
        except OSError as error:
            why = FailureView(f"The folder of revision {revision.number} cannot be made: {error}.")
            await self._database.write(partial(_fail, revision=revision, why=why))
        else:

            def write_down(write: Write) -> bool:
                known = store.revisions_of(write, [revision.endpoint])
                if all(each.number != revision.number for each in known):
                    return False
                digest = locks.put(write, ready.lock, self._clock.now())
                python = preparing.python_elsewhere(ready.lock) if is_far else ready.python
                store.set_stage(write, revision, Stage.READY, lock=digest, python=python)
                self._seen.add((revision.endpoint, revision.number))
                write.notify(service.ENDPOINTS)
                return True

            if not await self._database.write(write_down):  # it has been forgotten meanwhile
                await asyncio.to_thread(folder.unstage, revision.number)

    def _plan(self, read: Read, endpoint: Endpoint, revisions: Sequence[Revision]) -> desired.Endpoint | None:
        models = {
            each.number: preparing.staged_models(read, each)
            for each in revisions
            if each.number in endpoint.used and each.stage is Stage.READY
        }
        folder = self._folder(endpoint.name)
        return plan(endpoint, revisions, models, folder, self._workspace.name, folder.keys)

    def _tend(self, folder: EndpointFolder, told: desired.Endpoint) -> Status | None:
        """On a thread: see that a front lives and knows what it is to be; what it says. Raises OSError."""
        name = folder.path.name
        lost = not folder.has_front and not desired.holds(folder.path, told)
        if lost or self._told.get(name) != told:
            folder.make()
            desired.write(folder.path, told)
            self._fronts.tell(folder)
            self._told[name] = told
        self._fronts.tend(folder)
        return folder.said()

    async def _remove(self, endpoint: Endpoint, folder: EndpointFolder) -> float:
        if await asyncio.to_thread(lambda: folder.has_front):
            await asyncio.to_thread(self._fronts.end, folder)
            return _LEAVING
        if endpoint.settings.cluster and not self._far.has_ended(endpoint):
            return LOOK
        for key in [key for key in self._preparing if key[0] == endpoint.name]:
            task = self._preparing.pop(key)
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await asyncio.to_thread(folder.remove)
        self._fronts.forget(endpoint.name)
        self._told.pop(endpoint.name, None)

        def forget(write: Write) -> None:
            store.forget(write, endpoint.name)
            write.notify(service.topic(endpoint.name))

        await self._database.write(forget)
        return LOOK

    def _folder(self, name: str) -> EndpointFolder:
        return EndpointFolder.of(self._workspace.path, name)


def _complain(name: str, error: Exception) -> None:
    """The server's log tells the same once, and how often."""
    _log.error("a look at the endpoint %s failed", name, exc_info=error)


def _prepare_again(write: Write, revision: Revision) -> None:
    store.set_stage(write, revision, Stage.PREPARING)
    write.notify(service.ENDPOINTS)


def _fail(write: Write, revision: Revision, why: FailureView) -> None:
    store.set_stage(write, revision, Stage.FAILED, failure=why)
    write.notify(service.ENDPOINTS)
