"""The workers of one revision: which of them gets a request, and what becomes of it when one ends."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from faena.scoring import launching, refusals
from faena.scoring.batch_hold import BatchHold
from faena.scoring.desired import Limits, Revision
from faena.scoring.exchange import Reply, Request
from faena.scoring.member import Member, answer_once
from faena.scoring.pending import KINDS, Pending
from faena.scoring.slot import Slot
from faena.scoring.status import Failure, RevisionStatus, State
from faena.scoring.supervision import Supervision
from faena.scoring.templates import Templates

_log = logging.getLogger(__name__)
_RETRY_S = 1.0
_LEAVE_S = 10.0
"""Seconds that workers get to leave once they have answered everything."""


class Pool:
    """Belongs to the loop in which it is started. `changed` is called when its state or that of a worker changes."""

    def __init__(
        self,
        revision: Revision,
        limits: Limits,
        logs: Path,
        changed: Callable[[], None] = lambda: None,
        templates: Templates | None = None,
    ) -> None:
        """`templates`: what workers are forked from; None: each is started by itself."""
        self.revision = revision
        self.limits = limits
        self.logs = logs
        self.launch = launching.of(revision)
        self.description: dict[str, Any] = {}
        """What a worker said of its script when it was ready."""
        self.batches: dict[int, int] = {}
        """How often so many requests were sent to be run together."""
        self.queue: deque[Pending] = deque()
        self.members: list[Member] = []
        """All that live, those too that start or are to leave."""
        self.slots = [Slot(number, self) for number in range(revision.workers)]
        self.error: Failure | None = None
        self._changed = changed
        self._warmth = None if templates is None else templates.hold(self.launch, self._warmed)
        self._ready: list[Member] = []
        self._free = 0
        """Requests that workers could be sent when that was counted last."""
        self._answered_before = 0
        """Answers of members that have ended."""
        self._has_answered = False
        self._failed = False
        self._draining = False
        self._scheduled = False
        self._lone = False
        """Whether requests have come one by one lately."""
        self._hold = BatchHold(revision.max_latency_ms / 1000, self.dispatch)
        self._gone: asyncio.Future[None] | None = None
        self._supervision = Supervision(self)

    # As the endpoint sees it: `exchange.Scorer`.

    @property
    def ready(self) -> bool:
        return self._has_answered and not self._failed

    @property
    def whole(self) -> bool:
        """Whether each of its workers is ready."""
        return len({member.slot for member in self._ready}) == len(self.slots)

    @property
    def waiting(self) -> int:
        return len(self.queue)

    @property
    def answered(self) -> int:
        return self._answered_before + sum(member.memory.answered for member in self.members)

    def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._supervision.start()
        self.slots[0].start()  # the others when it is ready: who waits for the first answer has all cores

    def submit(self, request: Request, route: str, reply: Reply) -> None:
        if len(self.queue) >= self.limits.queue + self._free:
            reply(refusals.queue_is_full(self.limits.queue, _RETRY_S))
            return
        if self._failed:
            reply(refusals.not_ready(self._why_failed()))
            return
        deadline = request.received + self.limits.timeout_s
        self.queue.append(Pending(request, KINDS[route], reply, deadline))
        if self._scheduled:
            return
        if self._lone and len(self._ready) == 1 and not self._ready[0].sent:
            self._dispatch()  # it was one at a time until now: nothing else of this turn is waited for
        else:
            self._scheduled = True
            self._loop.call_soon(self._dispatch)

    async def drain(self) -> None:
        self._draining = True
        for slot in self.slots:
            slot.rest()
        self._leave_if_done()
        if self.members:
            self._gone = self._loop.create_future()
            await self._gone
        self._supervision.stop()
        self._cool()

    def kill(self) -> None:
        self._draining = True
        self._failed = True
        for slot in self.slots:
            slot.rest()
        self._refuse_all("The endpoint was ended before the request was answered.")
        for member in list(self.members):
            member.end("the endpoint was ended")
        self._supervision.stop()
        self._cool()

    def snapshot(self) -> RevisionStatus:
        return RevisionStatus(self.state, self.error, [slot.status() for slot in self.slots])

    @property
    def state(self) -> State:
        if self._failed:
            return State.FAILED
        if self._ready:
            return State.HEALTHY
        return State.UNHEALTHY if self._has_answered else State.TRANSITIONING

    # Giving out.

    def dispatch(self) -> None:
        """Hand requests that wait to workers that have room, in one write each."""
        if self.queue:
            self._dispatch()
        else:
            self._free = sum(member.room for member in self._ready)

    def _dispatch(self) -> None:
        self._scheduled = False
        queue = self.queue
        self._lone = len(queue) == 1
        self._supervision.wake()
        while queue:
            free = [member for member in self._ready if member.room > 0]
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
                    member.send(batch)
                    if self._lone and len(member.sent) == 1:
                        member.expect()
                    if member.batch > 1:
                        self.batches[len(batch)] = self.batches.get(len(batch), 0) + 1
                if not queue:
                    break
        self._free = sum(member.room for member in self._ready)

    def take_back(self, pendings: list[Pending]) -> None:
        """They have not been begun: they are the next."""
        self.queue.extendleft(reversed([pending for pending in pendings if pending.reply is not None]))

    # What members tell.

    def member_began(self, member: Member, said: dict[str, Any]) -> None:
        first = not self._has_answered
        self._has_answered = True
        self._failed = False
        self.error = None
        self.description = said
        if said.get("batches") and self.revision.max_batch_size > 1:
            member.batch = self.revision.max_batch_size
        self._ready.append(member)
        self.slots[member.slot].began(member)
        self._learn(member, said.pop("loaded", None) or {})
        if first:
            for slot in self.slots[1:]:
                slot.start()
        self.report()
        self.dispatch()

    def member_broke(self, member: Member, said: dict[str, Any]) -> None:
        self.slots[member.slot].broke(member, said)

    def member_answered(self, member: Member) -> None:
        if not self._scheduled:
            self.dispatch()
        self.slots[member.slot].wear(member)
        if self._draining:
            self._leave_if_done()

    def member_ended(self, member: Member) -> None:
        self.members.remove(member)
        self._answered_before += member.memory.answered
        if member in self._ready:
            self._ready.remove(member)
        lost, unbegun = member.left_behind()
        status = member.process.status
        for pending in lost:
            answer_once(pending, refusals.worker_died(status, len(lost)))
        self.take_back(member.taken_back() + unbegun)
        self.slots[member.slot].ended(member)
        self.report()
        self.dispatch()
        if self._draining:
            self._leave_if_done()

    # Ends.

    def give_up(self) -> None:
        """A worker could not be started so many times; without any, the revision has failed."""
        if self._ready:
            return
        self._failed = True
        for slot in self.slots:
            slot.rest()
        for member in list(self.members):
            member.end("the revision has failed")
        self._refuse_all(self._why_failed())
        self.report()

    def report(self) -> None:
        self._changed()

    @property
    def has_answered(self) -> bool:
        return self._has_answered

    @property
    def resting(self) -> bool:
        """Whether no worker is to be started any more but to answer what waits."""
        return self._failed or (self._draining and not self.queue)

    def _why_failed(self) -> str:
        return f"The endpoint has failed: {self.error.message if self.error else 'its workers could not be started'}"

    def _refuse_all(self, why: str) -> None:
        refused, self.queue = list(self.queue), deque()
        for member in self.members:
            refused += member.sent
        for pending in refused:
            answer_once(pending, refusals.not_ready(why))

    def _leave_if_done(self) -> None:
        if self.queue:
            return
        for member in list(self.members):
            if member.ready or member.retiring:
                member.retire()
                self._loop.call_later(_LEAVE_S + self.limits.timeout_s, member.end, "it did not leave")
            else:
                member.end("nobody needs it any more")
        if not self.members and self._gone is not None and not self._gone.done():
            self._gone.set_result(None)

    def started(self, slot: int) -> Member:
        """A new worker. Raises OSError."""
        with contextlib.suppress(FileExistsError):
            self.logs.mkdir(parents=True)
        template = None if self._warmth is None else self._warmth.template()
        member = Member(self, slot, self.launch, self.logs / f"{self.revision.id}-{slot}.log", template)
        self.members.append(member)
        return member

    # What workers are forked from.

    @property
    def warming(self) -> bool:
        """Whether packages are being loaded that the next worker has then."""
        return self._warmth is not None and self._warmth.is_loading()

    def distrust(self, why: str) -> None:
        """Have each worker be started by itself from now on."""
        if self._warmth is not None:
            _log.warning("revision %d: %s: workers are started by themselves", self.revision.id, why)
            self._cool()

    def _warmed(self) -> None:
        for slot in self.slots:
            slot.warmed()

    def _learn(self, member: Member, loaded: dict[str, Any]) -> None:
        if self._warmth is None:
            return
        late = ", ".join(map(str, loaded.get("late", ())))
        if late:
            self.distrust(f"the script sets {late[:200]}, which packages read as they are loaded")
            self.slots[member.slot].swap(member)
            return
        self._warmth.learn(loaded.get("modules", ()))

    def _cool(self) -> None:
        warmth, self._warmth = self._warmth, None
        if warmth is not None:
            warmth.release()
            self._warmed()
