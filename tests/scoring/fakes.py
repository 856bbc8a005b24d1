"""Workers that are told when to be ready and what to answer: an implementation of `Scorer` without processes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from faena.scoring.desired import Limits, Revision
from faena.scoring.exchange import Answer, Reply, Request
from faena.scoring.status import Failure, RevisionStatus, State, WorkerStatus


class FakeScorer:
    def __init__(self, revision: Revision, limits: Limits, changed: Callable[[], None]) -> None:
        self.revision = revision
        self.limits = limits
        self.description: dict[str, Any] = {"input": {"type": "object", "example": {"data": [7]}}}
        self.batches: dict[int, int] = {1: 2, 3: 1}
        self.state = State.TRANSITIONING
        self.error: Failure | None = None
        self.asked: list[tuple[Request, str]] = []
        self.held: list[Reply] = []
        self.holds = False
        self.status = 200
        self.body: object = revision.id
        self.drained = self.killed = self.started = False
        self._changed = changed

    @property
    def ready(self) -> bool:
        return self.state is State.HEALTHY

    @property
    def whole(self) -> bool:
        return self.ready

    @property
    def waiting(self) -> int:
        return len(self.held)

    @property
    def answered(self) -> int:
        return len(self.asked) - len(self.held)

    def start(self) -> None:
        self.started = True

    def be(self, state: State, error: str | None = None) -> None:
        self.state = state
        self.error = None if error is None else Failure(error, revision=self.revision.id)
        self._changed()

    def submit(self, request: Request, route: str, reply: Reply) -> None:
        self.asked.append((request, route))
        if self.holds:
            self.held.append(reply)
        else:
            reply(self.answer())

    def answer(self) -> Answer:
        body = self.body if isinstance(self.body, bytes) else msgspec.json.encode(self.body)
        return Answer(self.status, body)

    async def drain(self) -> None:
        self.drained = True

    def kill(self) -> None:
        self.killed = True

    def snapshot(self) -> RevisionStatus:
        return RevisionStatus(self.state, self.error, [WorkerStatus(0, "Ready", pid=1, rss_bytes=5 << 20)])


class Fakes:
    """All that were started, in their order."""

    def __init__(self) -> None:
        self.made: list[FakeScorer] = []

    def start(self, revision: Revision, limits: Limits, changed: Callable[[], None]) -> FakeScorer:
        made = FakeScorer(revision, limits, changed)
        self.made.append(made)
        return made

    def __getitem__(self, number: int) -> FakeScorer:
        return self.made[number]
