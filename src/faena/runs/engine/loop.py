"""The engine: looks whenever something changed, and once a second at the processes."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

from msgspec import Struct

from faena.attempts.folder import AttemptFolder
from faena.compute import gpus
from faena.compute import store as compute
from faena.compute.contract import Backend
from faena.compute.leases import Leases, Terms
from faena.compute.model import Node, NodeState
from faena.db import Database, Read, Write
from faena.kernel.clock import Clock, Micros
from faena.kernel.notifications import Notifications
from faena.runs import attempt_store, transitions
from faena.runs.engine import elsewhere
from faena.runs.engine.asking import Together
from faena.runs.engine.held_answers import HeldAnswers
from faena.runs.engine.liveness import Liveness
from faena.runs.engine.prepare import Preparation, has_unprepared
from faena.runs.engine.scheduling import Placed, Placement
from faena.runs.engine.stops import Stops
from faena.runs.model import Attempt
from faena.workspaces import needs

_log = logging.getLogger(__name__)

_LOOK_AT_PROCESSES = 1.0
_AFTER_FAILURE = 1.0
_QUIET = 30.0
_SOON = 0.1
_BETWEEN_FAREWELLS = 0.05
_CATCHING_UP = 5.0
_BETWEEN_REPORTS = 0.02
_LOST_TOGETHER = 50

T = TypeVar("T")


class _Seen(Struct, frozen=True):
    unprepared: bool
    """Whether a run waits for its environment."""
    nodes: list[Node]
    """Those that are processes of this host."""
    orphans: list[Attempt]
    """Attempts that are not closed, and whose node is none any more."""


class Engine:
    def __init__(
        self,
        database: Database,
        backend: Backend,
        notifications: Notifications,
        clock: Clock,
        *,
        attempts: Path,
        builds: Path,
        leases: Leases | None = None,
        is_lost: Callable[[], bool] = lambda: False,
    ) -> None:
        """`leases`: of nodes elsewhere; None: there are none.

        `is_lost`: whether the workspace was moved or removed, so that what is missing in its place says nothing.
        """
        self._database = database
        self._backend = backend
        self._notifications = notifications
        self._clock = clock
        self._is_lost = is_lost
        self.placement = Placement(clock)
        self.held = HeldAnswers(notifications)
        self.together = Together(database)
        self.stops = Stops(database, notifications, clock.monotonic)
        self._preparation = Preparation(database, notifications, builds, clock)
        self._liveness = Liveness(
            database, backend, attempts, clock, leases or Leases(Terms(), clock.monotonic)
        )
        self._nodes: list[Node] = []
        """Those that are processes of this host."""
        self._listing: threading.Thread | None = None
        self._looked_at = float("-inf")
        self._closing = False
        self._has_orphans = False
        self._awaits_leave = False
        """Whether an idle node of a cluster that shrinks is due some time."""
        self._again_at: Micros | None = None
        """When to look again whatever happens."""
        self._is_silence_told = True
        """Whether a run may say that nothing is heard of it; so at the start, where an earlier server wrote it down."""
        self._swept = asyncio.Event()
        """Set once folders of earlier attempts are gone: a run that is started now makes its own at once."""
        self.caught_up = asyncio.Event()
        """Set once what ended while no server was up is known, so that the first answer is true."""
        self.is_idle = False
        """No unfinished run, no build and no node beyond those that stay whatever happens."""

    async def run_forever(self) -> None:
        self._list_gpus()
        with self._notifications.subscribe("engine") as subscription:
            try:
                await self._database.read_first(self._liveness.know)
                for folder in await self._database.read_first(self._liveness.sweep):
                    await asyncio.to_thread(AttemptFolder(folder).forget)
            finally:
                self._swept.set()
            pause = 0.0
            while True:
                rang = await subscription.wait(pause) if pause else True
                try:
                    pause = await self.step() if rang or not self._has_nodes else await self._look()
                except Exception:  # noqa: BLE001  a defect, or a full disk, must not end the care for all runs
                    _log.exception("a look of the engine failed; the next one is in %g s", _AFTER_FAILURE)
                    pause = _AFTER_FAILURE

    async def look_soon(self) -> None:
        """Many things that can wait a moment are looked at together: a notebook may start a hundred runs a second."""
        with self._notifications.subscribe(transitions.ENGINE_SOON) as subscription:
            while True:
                if await subscription.wait(_QUIET):
                    self._notifications.notify({"engine"})
                    await asyncio.sleep(_SOON)

    async def catch_up(self) -> None:
        """Wait until somebody has reported each script that ended in the server's absence, for 5 s at most."""
        await self._swept.wait()
        deadline = self._clock.monotonic() + _CATCHING_UP
        try:
            while await self._unreported():
                if self._clock.monotonic() > deadline:
                    return
                await asyncio.sleep(_BETWEEN_REPORTS)
        finally:
            self.caught_up.set()

    async def _unreported(self) -> list[Attempt]:
        alive = await self._liveness.alive()
        return await self._database.read_first(lambda read: self._liveness.unreported(read, alive))

    async def bring_build_log(self, run_id: str) -> None:
        """Have a run hold what its build has said so far, if it waits for one."""
        await self._preparation.bring_log(run_id)

    async def close(self, patience: float = 5.0) -> None:
        """Start no node any more and see the idle ones off: one that is left would start the next server.

        Nodes with a run stay; whoever needs a server next serves them. `patience`: seconds to wait for the others.
        """
        self._closing = True
        deadline = self._clock.monotonic() + patience
        await self.step()
        while self._idles_here() and self._clock.monotonic() < deadline:
            await asyncio.sleep(_BETWEEN_FAREWELLS)
            await self.step()

    def _idles_here(self) -> bool:
        return any(node.run_id is None for node in self._nodes)

    @property
    def _has_nodes(self) -> bool:
        return bool(self._nodes) or self._liveness.knows_elsewhere

    async def step(self) -> float:
        """Do all that can be done now; seconds until the next look is due."""
        seen = await self._database.read_first(self._see)
        if seen.unprepared or self._preparation.has_builds:
            await self._preparation.step()
        await self._bury(seen)
        await self._tell_silence()
        placed, self._nodes, is_idle = await self._database.write(self._place)
        self._liveness.await_(placed.asked_for)
        self._awaits_leave = placed.next_due is not None
        self._again_at = placed.again_at
        self.is_idle = is_idle and not self._preparation.is_busy
        if placed.asks_for_gpus:
            self._list_gpus()
        for node in placed.start:
            await self._start(node)
        if placed.next_due is not None:
            return max(0.01, min(placed.next_due, _LOOK_AT_PROCESSES))
        return _LOOK_AT_PROCESSES if self._has_nodes or not self.is_idle else _QUIET

    def _see(self, read: Read) -> _Seen:
        """All that a step begins with, in one read: to ask costs more than what is asked."""
        return _Seen(has_unprepared(read), compute.list_here(read), attempt_store.orphans(read))

    def _place(self, write: Write) -> tuple[Placed, list[Node], bool]:
        """(what was placed, the nodes here now, whether nothing goes on)."""
        placed = self.placement.step(write, closing=self._closing)
        return placed, compute.list_here(write), _is_idle(write)

    async def _look(self) -> float:
        """The cheap look between changes: at processes only, unless one died or an idle node is due."""
        await self._tell_silence()
        is_due = self._again_at is not None and self._clock.now() >= self._again_at
        if is_due or self._awaits_leave or self._has_orphans or await self._liveness.is_any_dead(self._nodes):
            return await self.step()
        return _LOOK_AT_PROCESSES

    async def _bury(self, seen: _Seen) -> None:
        """Remove dead nodes and see that what they had is finished."""
        orphans = seen.orphans
        if self._is_due(seen.nodes):
            self._looked_at = self._clock.monotonic()
            if dead := await self._liveness.dead(seen.nodes):
                for some in _parts(dead):
                    await self._database.write(partial(self._liveness.remove, nodes=some))
                await asyncio.to_thread(self._forget, dead)
                orphans = await self._database.read_first(attempt_store.orphans)
        self._has_orphans = bool(orphans)
        if orphans:
            here = [attempt for attempt in orphans if attempt.machine is None]
            lost = await asyncio.to_thread(self._liveness.take_care, here) if here else []
            if away := [attempt for attempt in orphans if attempt.machine is not None]:
                lost += await self._database.read_first(lambda read: elsewhere.lost(read, away))
            if lost and not self._is_lost():  # asked after the look at the folders
                for part in _parts(lost):
                    await self._database.write(partial(self._liveness.lose, orphans=part))

    async def _tell_silence(self) -> None:
        """Have runs on other machines say whether something is heard of them."""
        quiet = self._liveness.quiet()
        if not quiet and not self._is_silence_told:
            return
        now = self._clock.now()
        if await self._database.read_first(lambda read: elsewhere.changed(read, quiet)):
            await self._database.write(lambda write: elsewhere.mark_silent(write, quiet, now))
        self._is_silence_told = bool(quiet)

    def _is_due(self, nodes: Sequence[Node]) -> bool:
        """Whether to look at processes: what is rung for many times a second is about runs."""
        leaving = self._closing or any(node.state is NodeState.LEAVING for node in nodes)
        return leaving or self._clock.monotonic() - self._looked_at >= _LOOK_AT_PROCESSES / 2

    def _forget(self, nodes: list[Node]) -> None:
        for node in nodes:
            self._backend.forget(node.id)

    def _list_gpus(self) -> None:
        """On a thread that nobody waits for: nvidia-smi may take long, and the server may leave meanwhile."""
        if self._listing is None or not self._listing.is_alive():
            self._listing = threading.Thread(target=self._ask_for_gpus, name="gpus", daemon=True)
            self._listing.start()

    def _ask_for_gpus(self) -> None:
        listed = gpus.listed()
        self._notifications.notify_from_thread({"engine"})
        if listed.failure:
            _log.warning("the machine's GPUs are not known: %s", listed.failure)
            time.sleep(gpus.ASKED_AGAIN)
            self._notifications.notify_from_thread({"engine"})

    async def _start(self, node: str) -> None:
        try:
            pid = await asyncio.to_thread(self._backend.start, node)
        except OSError:
            return  # the next look finds it dead and plans anew
        if pid is not None:
            await self._database.write(lambda write: compute.set_pid(write, node, pid))


def _parts(those: Sequence[T]) -> Iterator[Sequence[T]]:
    """A transaction each: where a network was cut, thousands are lost at once, and others have something to write."""
    return (those[start : start + _LOST_TOGETHER] for start in range(0, len(those), _LOST_TOGETHER))


@transitions.on_end.add
def _look_for_what_waits(write: Write, ended: transitions.Ended) -> None:
    """Somebody may get the place of a run that ended, or go up in the queue."""
    write.notify(transitions.ENGINE_SOON)


def _is_idle(read: Read) -> bool:
    if needs.needs_server(read):
        return False
    return compute.count_here(read) <= sum(cluster.min_nodes for cluster in compute.list_clusters(read))
