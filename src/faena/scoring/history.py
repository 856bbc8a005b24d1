"""What an endpoint did in the last minutes: how its counts stood every two seconds, for whoever looks.

Nothing is done for it when a request comes. Kept as it is sent: a standing is some 300 bytes of JSON.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec
from msgspec import Struct, field

from faena.scoring.exchange import Scorer
from faena.scoring.metrics import BUCKETS, NO_REQUEST, Metrics
from faena.scoring.status import WorkerStatus

EVERY = 2.0
KEPT = 301
"""Standings: ten minutes between the first and the last."""
ROUTES = frozenset({"/score", "/invocations", "/v2/models/infer", "unknown", NO_REQUEST})
"""Those that count; whoever looks at health, descriptions or counts changes nothing of what is seen."""
_PART = 64
"""Standings that are handed to another front in one message."""
Counts = dict[str, int]
_ever: Callable[[bytes], list[msgspec.Raw]] = msgspec.json.Decoder(list[msgspec.Raw]).decode


class Standing(Struct, frozen=True):
    """Counts since the endpoint's front was started; `at` in seconds of the clock."""

    at: float
    statuses: Counts
    """Answers by status."""
    took: list[int]
    """Answers by how long they took: up to each of `BUCKETS`, and longer."""
    waiting: int
    """Requests that no worker has yet."""
    connections: int
    shadow: Counts
    answered: Counts
    """By revision, those that shadow requests got too."""
    cpu_seconds: float
    """Of all workers."""
    memory_bytes: int


class WorkerNow(Struct, frozen=True):
    """`cpu`: cores that it used between the last two standings."""

    revision: int
    number: int
    state: str
    pid: int | None
    restarts: int
    memory_bytes: int
    cpu_seconds: float
    cpu: float | None = None


class Recent(Struct, frozen=True):
    standings: list[Standing]
    workers: list[WorkerNow]
    buckets: tuple[float, ...] = BUCKETS


class _Sent(Struct, frozen=True):
    """`Recent` as it is sent: what has been encoded stays as it is."""

    standings: list[msgspec.Raw]
    workers: list[WorkerNow]
    buckets: tuple[float, ...] = field(default=BUCKETS)


class History:
    """Belongs to one event loop. `gauges`: how many connections there are, and how many clients left early."""

    def __init__(
        self,
        metrics: Metrics,
        scorers: Callable[[], Mapping[str, Scorer]],
        gauges: Callable[[], tuple[int, int]],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._metrics = metrics
        self._scorers = scorers
        self._gauges = gauges
        self._clock = clock
        self._standings: deque[bytes] = deque(maxlen=KEPT)
        self._at = 0.0
        self._cpu_seconds = 0.0
        self._used: dict[tuple[str, int, int | None], tuple[float, float | None]] = {}
        """CPU seconds of each worker at the last standing, and the cores that it used before that."""

    async def keep(self) -> None:
        """Forever."""
        while True:
            self.stand()
            await asyncio.sleep(EVERY)

    def stand(self) -> None:
        """Note how the counts are."""
        now = self._clock()
        scorers = self._scorers()
        memory = self._look_at_workers(scorers, now - self._at)
        self._at = now
        standing = Standing(
            at=round(now, 3),
            statuses=self._statuses(),
            took=self._took(),
            waiting=sum(each.waiting for each in scorers.values()),
            connections=self._gauges()[0],
            shadow=self._metrics.shadow,
            answered={number: each.answered for number, each in scorers.items()},
            cpu_seconds=round(self._cpu_seconds, 2),
            memory_bytes=memory,
        )
        self._standings.append(msgspec.json.encode(standing))

    def rendered(self) -> bytes:
        """JSON of a `Recent`."""
        workers = [
            _now(number, worker, self._used.get((number, worker.number, worker.pid), (0.0, None))[1])
            for number, scorer in self._scorers().items()
            for worker in scorer.snapshot().workers
        ]
        return msgspec.json.encode(_Sent([msgspec.Raw(each) for each in self._standings], workers))

    def dump(self) -> Iterator[bytes]:
        """For the front that takes over, in parts."""
        kept = list(self._standings)
        for first in range(0, len(kept), _PART):
            yield b"[" + b",".join(kept[first : first + _PART]) + b"]"

    def take(self, parts: list[bytes]) -> None:
        """What another front has kept, whose counts have been added to ours by now: they go on from there."""
        self._standings.clear()
        for part in parts:
            self._standings.extend(bytes(each) for each in _ever(part))

    def _look_at_workers(self, scorers: Mapping[str, Scorer], passed: float) -> int:
        memory = 0
        used: dict[tuple[str, int, int | None], tuple[float, float | None]] = {}
        for number, scorer in scorers.items():
            for worker in scorer.snapshot().workers:
                key = (number, worker.number, worker.pid)
                before = self._used.get(key)
                new = max(0.0, worker.cpu_seconds - (0.0 if before is None else before[0]))
                self._cpu_seconds += new
                known = worker.pid is not None and before is not None and passed > 0
                used[key] = (worker.cpu_seconds, new / passed if known else None)
                memory += worker.rss_bytes
        self._used = used
        return memory

    def _statuses(self) -> Counts:
        found: Counts = {}
        for (route, status), count in self._metrics.requests.items():
            if route in ROUTES:
                found[str(status)] = found.get(str(status), 0) + count
        return found

    def _took(self) -> list[int]:
        counted: Any = [
            each.counts for route, each in self._metrics.latencies.items() if route in ROUTES
        ] or [[0] * (len(BUCKETS) + 1)]
        return [sum(counts) for counts in zip(*counted, strict=True)]


def _now(revision: str, worker: WorkerStatus, cpu: float | None) -> WorkerNow:
    return WorkerNow(
        revision=int(revision),
        number=worker.number,
        state=worker.state,
        pid=worker.pid,
        restarts=worker.restarts,
        memory_bytes=worker.rss_bytes,
        cpu_seconds=worker.cpu_seconds,
        cpu=cpu,
    )
