"""One worker in its pool: how much it is given at a time, and whether it stands still."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any, Protocol

from faena.scoring.exchange import Reply
from faena.scoring.pending import Pending
from faena.scoring.worker_process import Launch, Template, WorkerProcess

_AHEAD_MICROS = 3000.0
"""Work that a worker is sent ahead."""
_MOST_AHEAD = 32
_WEIGHT = 0.3
"""Of the newest measurement in the mean."""
_SLOW = 0.02
"""Seconds after which those behind a request that still runs may go elsewhere."""
_TELLING = 0.3
"""Seconds that it gets for that; it may be stopped, and tell nothing."""
_UNTAKEN = 10.0
"""Seconds after which a worker that runs nothing and takes nothing is ended: it has been stopped from outside."""


class Pool(Protocol):
    def member_began(self, member: Member, said: dict[str, Any]) -> None: ...
    def member_broke(self, member: Member, said: dict[str, Any]) -> None: ...
    def member_answered(self, member: Member) -> None: ...
    def take_back(self, pendings: list[Pending]) -> None: ...
    def member_ended(self, member: Member) -> None: ...


class Member:
    """`slot`: the place of the pool that it fills. Raises OSError where it cannot be started."""

    def __init__(
        self, pool: Pool, slot: int, launch: Launch, log: Path, template: Template | None = None
    ) -> None:
        self.slot = slot
        self.ready = False
        self.retiring = False
        """It is sent nothing more, and leaves once it has answered."""
        self.batch = 1
        """Requests that it takes together."""
        self.window = 1
        """Requests that it may have at a time."""
        self.ended_for: str | None = None
        """Why the pool ended it, where it did."""
        self.started = time.monotonic()
        self._pool = pool
        self._mean = _AHEAD_MICROS
        self._counted = self._micros = 0
        self._revoking = False
        self._barrier = 0
        """Up to this number nothing is left to it but what it had begun: until it is past it, it stands still."""
        self._sent_at = 0.0
        self.process = WorkerProcess(launch, slot, log, self, template)
        self.memory = self.process.memory
        self.sent = self.process.sent

    @property
    def room(self) -> int:
        """Requests that it may be sent now."""
        if not self.ready or self.retiring or self._barrier:
            return 0
        if self.batch > 1:
            return 0 if self.sent else self.batch
        return self.window - len(self.sent)

    def send(self, batch: list[Pending]) -> None:
        self._sent_at = time.monotonic()
        self.process.send(batch, together=self.batch > 1)

    def expect(self) -> None:
        """What it has just been sent is the only request that anybody waits for."""
        self.process.expect(self._mean * 1e-6)

    def retire(self) -> None:
        self.retiring = True
        self.leave_if_done()

    def leave_if_done(self) -> None:
        """Where it is retiring and has answered everything."""
        if self.retiring and not self.sent and self.ready:
            self.ready = False
            self.process.stop()

    def tell_and_end(self, why: str) -> None:
        """Kill it, once it has written to its log where it stands."""
        if self.ended_for is None:
            self.ended_for = why
            self.process.note(f"{why}. It is ended; this is where it stood:")
            self.process.tell()
            asyncio.get_running_loop().call_later(_TELLING, self.process.kill)

    def end(self, why: str) -> None:
        """Kill it."""
        self.ended_for = self.ended_for or why
        self.process.kill()

    # What the process tells.

    def began(self, worker: WorkerProcess, said: dict[str, Any]) -> None:
        self.ready = True
        self._pool.member_began(self, said)

    def broke(self, worker: WorkerProcess, said: dict[str, Any]) -> None:
        self._pool.member_broke(self, said)

    def answered(self, worker: WorkerProcess) -> None:
        memory = self.memory
        count = memory.answered - self._counted
        if count:
            mean = min((memory.micros - self._micros) / count, self._mean * 4)  # one slow request says little
            self._counted, self._micros = memory.answered, memory.micros
            self._mean += (mean - self._mean) * _WEIGHT
            self.window = max(1, min(_MOST_AHEAD, int(_AHEAD_MICROS / max(self._mean, 1.0))))
        if memory.not_begun:
            back, memory.not_begun = memory.not_begun, []
            self._pool.take_back(back)
        if self.retiring:
            self.leave_if_done()
        self._pool.member_answered(self)

    def ended(self, worker: WorkerProcess) -> None:
        self.ready = False
        self._pool.member_ended(self)

    # What a look at it finds.

    def look(self, now: float) -> None:
        """Take what it has not told of yet, and see whether it goes on."""
        if self.memory.has_answers():
            self.process.take_settled()
            self.answered(self.process)
        if self._barrier and not self._revoking and self.memory.running >= self._barrier:
            self._barrier = 0

    def slow(self, now: float) -> bool:
        """Whether what it has not begun waits behind something that takes long."""
        if self._revoking or self._barrier or len(self.sent) < (2 if self._runs_first() else 1):
            return False
        since = max(self.memory.since, self._sent_at) if not self._runs_first() else self.memory.since
        return now - since > _SLOW

    def untaken(self, now: float) -> bool:
        """Whether it has been stopped from outside."""
        if not self.ready or self._runs_first():
            return False
        return bool(self.sent or self._barrier) and now - max(self._sent_at, self.memory.since) > _UNTAKEN

    def running(self) -> Pending | None:
        """The request that it runs (the first of the batch)."""
        return self.sent[0] if self._runs_first() else None

    def _runs_first(self) -> bool:
        return bool(self.sent) and self.memory.running >= self.sent[0].number

    def revoke(self) -> None:
        """Begin to take back what it has not begun: `taken_back` has it, at the next look."""
        self._barrier = self.process.last
        self._revoking = True
        self.memory.revoke(self._barrier)

    def taken_back(self) -> list[Pending]:
        """What it will never begin, where that has been asked for."""
        if not self._revoking:
            return []
        self._revoking = False
        running = self.memory.running
        back: list[Pending] = []
        while self.sent and self.sent[-1].number > running:
            back.append(self.sent.pop())
        back.reverse()
        return back

    def left_behind(self) -> tuple[list[Pending], list[Pending]]:
        """Of one that has ended: what it was running, and what it had not begun."""
        first, last = self.memory.at_once
        lost = [pending for pending in self.sent if first <= pending.number <= last]
        unbegun = [pending for pending in self.sent if not first <= pending.number <= last]
        unbegun = self.memory.not_begun + unbegun
        self.sent.clear()
        return lost, unbegun


def answer_once(pending: Pending, reply_with: Any) -> None:
    """Unless it has been answered; what its worker says of it later is dropped."""
    reply: Reply | None = pending.reply
    if reply is not None:
        pending.reply = None
        reply(reply_with)
