"""Looks at a pool's workers while they have something to do: who stands still, whose time is over, who grows."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from pathlib import Path
from typing import Protocol

from faena.kernel import rotating
from faena.scoring import refusals
from faena.scoring.desired import Limits, Revision
from faena.scoring.member import Member, answer_once
from faena.scoring.pending import Pending
from faena.scoring.slot import Slot, usage

_TICK = 0.01
_LOGS_EVERY = 10
"""Ticks from one look at the logs to the next while something runs."""
_ROUND = 2.0
"""Seconds from one look at memory and logs to the next in any case."""


class Pool(Protocol):
    """What is looked at."""

    revision: Revision
    limits: Limits
    queue: deque[Pending]
    members: list[Member]
    slots: list[Slot]

    def take_back(self, pendings: list[Pending]) -> None: ...
    def dispatch(self) -> None: ...


class Supervision:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._tick_at: asyncio.TimerHandle | None = None
        self._round_at: asyncio.TimerHandle | None = None
        self._ticks = 0
        self._rotating: set[Path] = set()

    def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._round_at = self._loop.call_later(_ROUND, self._round)

    def stop(self) -> None:
        for timer in (self._tick_at, self._round_at):
            if timer is not None:
                timer.cancel()
        self._tick_at = self._round_at = None

    def wake(self) -> None:
        """There is something to do."""
        if self._tick_at is None and self._round_at is not None:
            self._tick_at = self._loop.call_later(_TICK, self._tick)

    def _tick(self) -> None:
        self._tick_at = None
        now = time.monotonic()
        pool = self._pool
        for member in list(pool.members):
            if member.sent or member.room == 0:
                self._look(member, now)
        self._expire(now)
        pool.dispatch()
        self._ticks += 1
        if self._ticks % _LOGS_EVERY == 0:
            self._look_at_logs()
        if pool.queue or any(member.sent for member in pool.members):
            self.wake()

    def _look(self, member: Member, now: float) -> None:
        pool = self._pool
        pool.take_back(member.taken_back())
        member.look(now)
        if member.untaken(now):
            member.end("it took nothing for a long time")
            return
        if member.slow(now) and any(other.room > 0 for other in pool.members if other is not member):
            member.revoke()
        limit = pool.limits.timeout_s
        running = member.running()
        ran_long = now - member.memory.since > limit / 2
        for pending in member.sent:
            if now > pending.deadline:
                if pending is not running:
                    answer_once(pending, refusals.waited_too_long(limit))
                else:
                    answer_once(
                        pending, refusals.ran_too_long(limit) if ran_long else refusals.came_too_late(limit)
                    )
        if running is not None and running.reply is None and ran_long:
            member.tell_and_end(
                f"[{running.request.request_id}] run() took longer than {limit:g} s, the limit (timeout_seconds)"
            )

    def _expire(self, now: float) -> None:
        """Those that wait too long; the queue is in the order of their deadlines, but for what was taken back."""
        pool = self._pool
        while pool.queue and now > pool.queue[0].deadline:
            answer_once(pool.queue.popleft(), refusals.waited_too_long(pool.limits.timeout_s))

    def _round(self) -> None:
        self._round_at = self._loop.call_later(_ROUND, self._round)
        most = self._pool.revision.max_memory_bytes
        if most is not None:
            for member in list(self._pool.members):
                if member.ready and usage(member.process.pid)[0] > most:
                    self._pool.slots[member.slot].swap(member)
        self._look_at_logs()

    def _look_at_logs(self) -> None:
        for member in self._pool.members:
            log = member.process.log
            with contextlib.suppress(OSError):
                if log not in self._rotating and log.stat().st_size > rotating.MOST_BYTES:
                    self._rotating.add(log)
                    self._loop.run_in_executor(None, self._rotate, log)

    def _rotate(self, log: Path) -> None:
        try:
            with contextlib.suppress(OSError):
                rotating.rotate(log)
        finally:
            self._rotating.discard(log)
