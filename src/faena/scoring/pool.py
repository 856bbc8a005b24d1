"""The workers of one revision: which of them gets a request, and what becomes of it when one ends."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from faena.scoring import launching, refusals
from faena.scoring.desired import Limits, Revision
from faena.scoring.dispatching import Dispatcher
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
        self.members: list[Member] = []
        """All that live, those too that start or are to leave."""
        self.slots = [Slot(number, self) for number in range(revision.workers)]
        self.error: Failure | None = None
        self._changed = changed
        self._warmth = None if templates is None else templates.hold(self.launch, self._warmed)
        self._answered_before = 0
        """Answers of members that have ended."""
        self._has_answered = False
        self._failed = False
        self._draining = False
        self._gone: asyncio.Future[None] | None = None
        self._supervision = Supervision(self)
        self._dispatcher = Dispatcher(revision.max_latency_ms / 1000, self._supervision.wake)
        self._ready = self._dispatcher.ready
        self.queue = self._dispatcher.queue
        self.batches = self._dispatcher.batches

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
        if len(self.queue) >= self.limits.queue + self._dispatcher.free:
            reply(refusals.queue_is_full(self.limits.queue, _RETRY_S))
            return
        if self._failed:
            reply(refusals.not_ready(self._why_failed()))
            return
        deadline = request.received + self.limits.timeout_s
        self._dispatcher.put(Pending(request, KINDS[route], reply, deadline))

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

    # As those who look after it see it.

    def dispatch(self) -> None:
        self._dispatcher.dispatch()

    def take_back(self, pendings: list[Pending]) -> None:
        self._dispatcher.take_back(pendings)

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
        self._dispatcher.answered()
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
        refused = list(self.queue)
        self.queue.clear()
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
