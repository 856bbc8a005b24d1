"""An endpoint's revisions: which are wanted, which answer now, and how one takes over from another without a loss."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from faena.scoring.desired import Endpoint, Limits, Revision
from faena.scoring.exchange import Answer, Reply, Request, Scorer
from faena.scoring.holding import Holding
from faena.scoring.http.responses import refusal
from faena.scoring.metrics import Metrics
from faena.scoring.sample import SampleFailed, answer_sample
from faena.scoring.shadow import Shadow
from faena.scoring.status import Failure, RevisionStatus, State
from faena.scoring.traffic import Split

_log = logging.getLogger(__name__)
_STARTING = refusal(503, "The endpoint starts: no worker is ready yet.", ((b"retry-after", b"1"),))
Start = Callable[[Revision, Limits, Callable[[], None]], Scorer]
"""Makes the workers of a revision, which call the last argument when something has changed."""


@dataclass(slots=True, eq=False)
class Live:
    """A revision with workers. `proven`: it has answered its sample, or has none."""

    revision: Revision
    scorer: Scorer
    proven: bool = False
    proving: bool = False
    failure: Failure | None = None

    def status(self) -> RevisionStatus:
        found = self.scorer.snapshot()
        if self.failure is not None:
            return RevisionStatus(State.FAILED, self.failure, found.workers)
        return found


class Revisions:
    """Belongs to one event loop. `changed` is called when a state may have changed."""

    def __init__(self, start: Start, metrics: Metrics, changed: Callable[[], None]) -> None:
        self._start = start
        self._metrics = metrics
        self._changed = changed
        self._wanted: Endpoint | None = None
        self._targets: dict[int, Live] = {}
        """What is wanted, whether or not it serves already."""
        self._serving: dict[int, Live] = {}
        self._split: Split | None = None
        self._only: Scorer | None = None
        """The scorer of a split that has one revision."""
        self._only_number = 0
        self._shadow: Shadow | None = None
        self._holding = Holding(self._why_nobody)
        self._tasks: set[asyncio.Task[None]] = set()
        self._looking = False
        self._ending = False

    # What is asked of it

    def submit(self, request: Request, route: str, reply: Reply) -> None:
        """To the revision whose turn it is."""
        scorer = self._only
        if scorer is not None:
            request.revision = self._only_number
        else:
            if self._split is None:
                self._hold(request, route, reply)
                return
            request.revision = self._split.choose(request)
            scorer = self._serving[request.revision].scorer
        if self._shadow is not None:
            reply = self._shadow.ask(request, route, reply)
        scorer.submit(request, route, reply)

    def submit_to(self, revision: int, request: Request, route: str, reply: Reply) -> None:
        """To one that serves."""
        request.revision = revision
        self._serving[revision].scorer.submit(request, route, reply)

    def want(self, endpoint: Endpoint) -> None:
        """Have these revisions, with these weights; those that serve go on until all of them can."""
        self._wanted = endpoint
        before, self._targets = self._targets, {}
        for number in sorted(_used(endpoint)):
            revision = endpoint.revision(number)
            assert revision is not None
            known = (live.get(number) for live in (before, self._serving))
            self._targets[number] = next(
                (live for live in known if live is not None and live.revision == revision), None
            ) or self._started(revision, endpoint.limits)
        for live in before.values():
            if live not in self._targets.values() and live not in self._serving.values():
                self._retire(live)
        for live in (*self._targets.values(), *self._serving.values()):
            live.scorer.limits = endpoint.limits
        self._look()

    async def drain(self) -> None:
        """Answer what has been submitted, and end all workers."""
        self._ending = True
        self._holding.refuse()
        for live in self._all():
            self._retire(live)
        while self._tasks:
            await asyncio.wait(self._tasks)

    def kill(self) -> None:
        self._ending = True
        self._holding.refuse()
        for live in self._all():
            live.scorer.kill()

    # What it tells

    @property
    def serving(self) -> dict[int, Live]:
        return self._serving

    @property
    def is_settled(self) -> bool:
        """Whether what is wanted serves, or cannot."""
        if self._wanted is None:
            return False
        if any(self._targets[number].failure is not None for number in self._wanted.weights):
            return True
        return self._split is not None and self._split.weights == self._wanted.weights

    def state(self) -> tuple[State, Failure | None]:
        failure = self._failure()
        if not self._serving:
            return (State.TRANSITIONING if failure is None else State.FAILED), failure
        for live in self._serving.values():
            found = live.status()
            if found.state is not State.HEALTHY:
                return State.UNHEALTHY, found.error
        return State.HEALTHY, failure

    def statuses(self) -> dict[str, RevisionStatus]:
        return {str(live.revision.id): live.status() for live in self._all()}

    def scorers(self) -> dict[str, Scorer]:
        return {str(live.revision.id): live.scorer for live in self._all()}

    def _all(self) -> list[Live]:
        """Where one of the same number is to take over, it comes last."""
        return [
            *(live for live in self._serving.values() if live not in self._targets.values()),
            *self._targets.values(),
        ]

    def _failure(self) -> Failure | None:
        """Of a revision that was to take over and cannot."""
        return next((live.failure for live in self._targets.values() if live.failure is not None), None)

    def _why_nobody(self) -> Answer:
        failure = self._failure()
        return _STARTING if failure is None else refusal(503, f"The endpoint has failed: {failure.message}")

    def _hold(self, request: Request, route: str, reply: Reply) -> None:
        if self._ending or self._wanted is None or self._failure() is not None:
            reply(self._why_nobody())
        else:
            self._holding.hold(request, route, reply, self._wanted.limits.queue)

    # How it goes on

    def _started(self, revision: Revision, limits: Limits) -> Live:
        live = Live(revision, self._start(revision, limits, self._soon))
        _log.info("revision %d: %d worker(s) start", revision.id, revision.workers)
        live.scorer.start()
        return live

    def _soon(self) -> None:
        """Something has changed, perhaps in the middle of something else."""
        if not self._looking:
            self._looking = True
            asyncio.get_running_loop().call_soon(self._look)

    def _look(self) -> None:
        self._looking = False
        if self._ending or self._wanted is None:
            return
        for live in self._targets.values():
            self._look_at(live)
        if all(self._targets[number].proven for number in self._wanted.weights):
            self._take_over(self._wanted)
        self._set_shadow(self._wanted.shadow)
        self._changed()

    def _look_at(self, live: Live) -> None:
        """Has one that does not serve yet come up?"""
        if live.failure is not None or live.proven or live.proving:
            return
        found = live.scorer.snapshot()
        if found.state is State.FAILED:
            self._fail(live, found.error or Failure("Its workers did not start.", revision=live.revision.id))
        elif live.scorer.whole or (live.scorer.ready and not self._serving):
            if live.revision.sample is None:
                live.proven = True
            else:
                live.proving = True
                self._begin(self._prove(live, live.revision.sample))

    async def _prove(self, live: Live, sample: str) -> None:
        number = live.revision.id
        try:
            await answer_sample(live.scorer, sample, live.scorer.limits.timeout_s)
        except SampleFailed as error:
            if live in self._targets.values():
                self._fail(
                    live, Failure(f"Revision {number} did not answer its sample: {error}", revision=number)
                )
        else:
            live.proven = True
        live.proving = False
        self._soon()

    def _fail(self, live: Live, failure: Failure) -> None:
        _log.error("revision %d does not come up: %s", live.revision.id, failure.message)
        live.failure = failure
        live.scorer.kill()
        self._metrics.updated("failed")
        if not self._serving:
            self._holding.refuse()

    def _take_over(self, wanted: Endpoint) -> None:
        before = self._serving
        self._serving = {number: self._targets[number] for number in wanted.weights}
        self._split = Split(wanted.weights, wanted.sticky_header)
        self._only_number, first = next(iter(self._serving.items()))
        self._only = first.scorer if len(self._serving) == 1 else None
        if self._serving != before:
            self._metrics.updated("succeeded")
            _log.info("revision(s) %s answer now", ", ".join(map(str, sorted(self._serving))))
        for live in before.values():
            if live not in self._targets.values():
                self._retire(live)
        for request, route, reply in self._holding.release():
            self.submit(request, route, reply)

    def _set_shadow(self, number: int | None) -> None:
        live = None if number is None else self._targets[number]
        if live is None or not live.proven:
            self._shadow = None
        elif self._shadow is None or self._shadow.scorer is not live.scorer:
            self._shadow = Shadow(live.revision.id, live.scorer, self._metrics.shadowed)

    def _retire(self, live: Live) -> None:
        """It gets no more, answers what it has, and leaves."""
        if live.failure is not None:
            return
        if not live.scorer.ready:
            live.scorer.kill()
            return
        _log.info("revision %d answers what it has been asked, and leaves", live.revision.id)
        self._begin(live.scorer.drain())

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _used(endpoint: Endpoint) -> set[int]:
    return {*endpoint.weights, *(() if endpoint.shadow is None else (endpoint.shadow,))}
