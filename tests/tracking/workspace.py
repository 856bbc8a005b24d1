"""A real database and object store, with the calls that tests make most."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from faena.db import Database, Read, Write
from faena.kernel.clock import SystemClock
from faena.objects.files import FolderObjects
from faena.tracking import service
from faena.tracking.model import Appended, LogChunk, MetricSummary, Series, StreamKey

T = TypeVar("T")

RUN = "experiment_1_0a1b2c3d"


def spool(writer: str = "7-0a1b2c3d", *, run_id: str = RUN, attempt: int = 1, rank: int = 0) -> StreamKey:
    return StreamKey(run_id, attempt, rank, f"spool/{writer}")


def log(name: str = "logs/train.log", *, run_id: str = RUN, attempt: int = 1, rank: int = 0) -> StreamKey:
    return StreamKey(run_id, attempt, rank, f"log/{name}")


@dataclass
class TrackedWorkspace:
    database: Database
    objects: FolderObjects
    clock: SystemClock = field(default_factory=SystemClock)
    reached: dict[StreamKey, int] = field(default_factory=dict)

    def write(self, work: Callable[[Write], T]) -> T:
        return self.database.submit_write(work).result(60)

    def read(self, work: Callable[[Read], T]) -> T:
        return self.database.submit_read(work).result(60)

    def append(self, key: StreamKey, offset: int, data: bytes, *, closing: bool = False) -> Appended:
        return self.write(lambda write: service.append(write, key, offset, data, 0, closing=closing))

    def send(self, key: StreamKey, *parts: bytes, closing: bool = False) -> Appended:
        """What follows what was sent before; all of it must be taken."""
        data, offset = b"".join(parts), self.reached.get(key, 0)
        answer = self.append(key, offset, data, closing=closing)
        assert answer.offset == offset + len(data)
        self.reached[key] = answer.offset
        return answer

    def metrics(self, name: str | None = None, **options: Any) -> dict[str, Any]:
        return self.read(lambda read: service.metrics(read, self.objects, RUN, name, **options))

    def series(self, name: str, **options: Any) -> Series:
        return self.read(lambda read: service.series(read, self.objects, RUN, name, **options))

    def summaries(self, **options: Any) -> dict[str, MetricSummary]:
        found = self.read(lambda read: service.metric_summaries(read, RUN, **options))
        assert len({(row.source, row.name) for row in found}) == len(found)
        return {row.name: row for row in found}

    def log(self, name: str, offset: int = 0, limit: int = 1 << 30, **options: Any) -> LogChunk:
        return self.read(
            lambda read: service.log_text(read, self.objects, RUN, name, offset, limit, **options)
        )

    def seal(self, attempt: int = 1) -> None:
        service.seal(self.database, self.objects, RUN, attempt, self.clock)
