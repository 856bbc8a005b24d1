"""Answers runners; ends an attempt: its last bytes, how it ended, its books and what its node does next, in one
transaction.
"""

from __future__ import annotations

import logging
import time
from typing import Any

import msgspec
from litestar.background_tasks import BackgroundTask
from msgspec import Struct, field

from faena.db import Database, Write
from faena.kernel.clock import Clock
from faena.kernel.lanes import RUNS
from faena.kernel.notifications import Notifications
from faena.objects.service import Objects
from faena.runs import record_store, service, transitions
from faena.runs.engine import attempts, batches, elsewhere
from faena.runs.engine.asking import Together
from faena.runs.engine.attempts import Progress
from faena.runs.engine.batches import ClosingHeader, Rank
from faena.runs.engine.held_answers import HeldAnswers
from faena.runs.engine.scheduling import Placement, work_topic
from faena.runs.engine.stops import Stops
from faena.runs.engine.work import look_for, work_for
from faena.runs.far_files import FarFiles
from faena.runs.model import Outcome
from faena.tracking import sealing
from faena.tracking.model import Limits
from faena.workspaces.model import WorkspaceFolder

_log = logging.getLogger(__name__)

_WORK_COMES_WITHIN = 0.5
"""Seconds that the answer to a node waits for work which is on its way."""


class Closed(Struct, frozen=True):
    kept: bool
    """False, and nothing has happened, where bytes before those that were sent are missing."""
    sealed: bool = True
    next: dict[str, Any] = field(default_factory=dict)
    """For the node that asked: `order`, `leave`, or nothing yet."""
    work_comes: bool = False
    """Nothing yet, but soon."""


class RunnerServices(Struct, frozen=True):
    """What it takes to answer runners, in one: to inject each part by itself costs a request a task a part.

    Made for each request, since a workspace may be renamed.
    """

    database: Database
    objects: Objects
    notifications: Notifications
    clock: Clock
    limits: Limits
    folder: WorkspaceFolder
    placement: Placement
    held: HeldAnswers
    together: Together | None = None
    """Where what many nodes ask is looked up; None: each by itself."""
    stops: Stops | None = None
    """Knows for many ranks whether they are to stop; None: each is looked up by itself."""
    far: FarFiles | None = None
    """What runners elsewhere are asked about files."""

    async def close(self, key: Rank, header: ClosingHeader, body: bytes, node: str = "") -> Closed:
        """May be repeated: what is kept is passed over, what has ended stays as it is, `node` hears the same again."""
        try:
            return await batches.taken(
                self.database,
                lambda write, careful: self._close(write, key, header, body, node, careful=careful),
                unless=(_Gap,),
            )
        except _Gap:
            return Closed(kept=False)

    async def close_and_wait(self, key: Rank, header: ClosingHeader, body: bytes, node: str) -> Closed:
        """As `close`; where work is about to come for the node, it comes with the answer."""
        with (
            self.notifications.subscribe(work_topic(node)) as subscription,
            self.held.held(node, lambda write: self.work_for(write, node)) as brought,
        ):
            closed = await self.close(key, header, body, node)
            if not closed.work_comes:
                return closed
            found: dict[str, Any] = {}
            until = time.monotonic() + _WORK_COMES_WITHIN
            try:
                while not found and (left := until - time.monotonic()) > 0:
                    if await subscription.wait(left) and not (found := brought()):
                        found = await self.database.write(lambda write: self.work_for(write, node))
            finally:
                if not found:  # it idles after all
                    self.notifications.notify({transitions.ENGINE_SOON})
            return msgspec.structs.replace(closed, next=found)

    def rest_of(self, key: Rank, closed: Closed) -> BackgroundTask | None:
        """Long books are closed after the answer: queries say the same before and after."""
        if closed.sealed:
            return None
        return BackgroundTask(self.seal, key)

    async def seal(self, key: Rank) -> None:
        """Close the books of an attempt that has ended; where that cannot be done, they stay as they are."""
        try:
            await RUNS.run(
                sealing.seal, self.database, self.objects.files, key.run_id, key.attempt, self.clock
            )
        except Exception:  # noqa: BLE001  queries say the same before and after
            _log.exception("the books of run %s, attempt %d, cannot be closed", key.run_id, key.attempt)

    def _close(
        self, write: Write, key: Rank, header: ClosingHeader, body: bytes, node: str, *, careful: bool
    ) -> Closed:
        """`careful`: what fails in it has failed before, and keeps no run from its end."""
        now = self.clock.now()
        here = batches.append(write, key, header, body, now, self.limits, careful=careful)
        if any(here[stream] < offset + length for stream, offset, length in header.segments):
            raise _Gap
        for note in header.notes:
            record_store.add_note(write, key.run_id, note.code[:64], note.message[:4000], about=note.about)
        progress = Progress.find(write, key.run_id, key.attempt, key.rank)
        if progress.is_closed:
            elsewhere.has_come(write, key.run_id, key.attempt, key.rank)
        if header.started_at is not None:
            progress.started(header.started_at, now, header.sent_at)
        outcome = Outcome(**msgspec.structs.asdict(header.outcome))
        progress.ended(outcome, now)
        failed = progress.failed if progress.is_last else None  # what the others say comes with the last
        last_lines = self._last_lines(write, key, failed.rank, careful=careful) if failed else []
        progress.closed(last_lines, now)
        sealed = not progress.is_last or (not careful and sealing.seal_small(write, key.run_id, key.attempt))
        found = self._next(write, node) if node else {}
        comes = bool(node) and not found and transitions.WORK_COMES in write.topics
        if comes:  # the engine is told where it does not
            write.topics.discard(transitions.ENGINE_SOON)
        return Closed(True, sealed, found, comes)

    async def must_stop(self, key: Rank) -> bool:
        """Whether the scripts of an attempt are to be stopped."""
        if self.stops is not None:
            return await self.stops.must_stop(key.run_id, key.attempt)
        return await self.database.read_first(lambda read: attempts.must_stop(read, key.run_id, key.attempt))

    async def next_for(self, node: str) -> dict[str, Any]:
        """As `work_for`, in a transaction only where that would change something."""
        now, folder, notifications = self.clock.now(), self.folder, self.notifications
        together = self.together or Together(self.database)
        found = await together.ask(
            lambda read, known: look_for(read, known, node, now, folder, notifications)
        )
        if found is None:
            found = await self.database.write(lambda write: self.work_for(write, node))
        return found

    def work_for(self, write: Write, node: str) -> dict[str, Any]:
        """`order`, `leave`, or nothing yet."""
        return work_for(write, node, self.clock.now(), self.folder, self.notifications, self.placement)

    def _next(self, write: Write, node: str) -> dict[str, Any]:
        found = self.work_for(write, node)
        write.topics.discard(work_topic(node))  # it hears now
        if "order" in found:  # the node is as busy as before: the engine has nothing to look at
            write.topics.discard(transitions.ENGINE_SOON)
        return found

    def _last_lines(self, write: Write, key: Rank, rank: int | None, *, careful: bool) -> list[str]:
        try:
            return service.last_lines(write, self.objects.files, key.run_id, rank)
        except Exception:
            if not careful:
                raise
            _log.exception("the end of the log of run %s cannot be read", key.run_id)
            return []


class _Gap(Exception):
    """Bytes are missing between what is here and what was sent."""
