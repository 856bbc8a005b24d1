"""Requests that wait, and which worker of a pool gets how many of them."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from faena.scoring.batch_hold import BatchHold
from faena.scoring.member import Member
from faena.scoring.pending import Pending


class Dispatcher:
    """Belongs to one event loop. `wake`: called where something is under way that somebody is to look after."""

    def __init__(self, max_latency_seconds: float, wake: Callable[[], None]) -> None:
        self.queue: deque[Pending] = deque()
        self.ready: list[Member] = []
        """The workers that take requests."""
        self.free = 0
        """Requests that workers could be sent when that was counted last."""
        self.batches: dict[int, int] = {}
        """How often so many requests were sent to be run together."""
        self._wake = wake
        self._hold = BatchHold(max_latency_seconds, self.dispatch)
        self._scheduled = False
        self._lone = False
        """Whether requests have come one by one lately."""

    def put(self, pending: Pending) -> None:
        """Have it sent in the loop's next turn, with what comes in this one; at once, where it will be alone."""
        if self._lone and not self.queue and len(self.ready) == 1:
            member = self.ready[0]
            if not member.sent and member.batch == 1 and member.room > 0:
                self._wake()
                member.send([pending])
                member.expect()
                self.free = member.room
                return
        self.queue.append(pending)
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._dispatch)

    def take_back(self, pendings: list[Pending]) -> None:
        """They have not been begun: they are the next."""
        self.queue.extendleft(reversed([pending for pending in pendings if pending.reply is not None]))

    def answered(self) -> None:
        """A worker has room again."""
        if not self._scheduled:
            self.dispatch()

    def dispatch(self) -> None:
        """Hand requests that wait to workers that have room, in one write each."""
        if self.queue:
            self._dispatch()
        else:
            self.free = sum([member.room for member in self.ready])

    def _dispatch(self) -> None:
        self._scheduled = False
        queue = self.queue
        self._lone = len(queue) == 1
        self._wake()
        while queue:
            free = [member for member in self.ready if member.room > 0]
            if not free:
                break
            if len(free) > 1:
                free.sort(key=lambda member: len(member.sent))
            if free[0].batch > 1:
                if not self._hold.over(queue, free[0].batch):
                    break
                share = free[0].batch
            else:
                share = -(-len(queue) // len(free))
            for member in free:
                batch = [queue.popleft() for _ in range(min(share, member.room, len(queue)))]
                if batch := [pending for pending in batch if pending.reply is not None]:
                    self._send(member, batch)
                if not queue:
                    break
        self.free = sum([member.room for member in self.ready])

    def _send(self, member: Member, batch: list[Pending]) -> None:
        member.send(batch)
        if self._lone and len(member.sent) == 1:
            member.expect()
        if member.batch > 1:
            self.batches[len(batch)] = self.batches.get(len(batch), 0) + 1
