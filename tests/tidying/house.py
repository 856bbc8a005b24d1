"""A workspace without its server: database, objects and a clock that moves by hand."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from faena.data.schemas import Snapshot, SnapshotFile, manifest_digest
from faena.data.service import put_snapshot
from faena.db import Database, Read, Write
from faena.models import service as models
from faena.models.schemas import Registration
from faena.objects.files import FolderObjects
from faena.objects.service import Objects
from faena.runs import store
from faena.runs.model import SCRIPT_RUN, Run, RunStatus
from faena.runs.submission_schemas import Submission
from faena.testing.clock import ManualClock
from faena.tidying import deleting
from faena.tidying.garbage_collection import Collector
from faena.tidying.schemas import CollectionRequest, CollectionView, DeletionRequest, DeletionView
from faena.tracking import files as run_files
from faena.tracking import ingest, query
from faena.tracking.model import StoredFile, StreamKey
from faena.tracking.sealing import seal
from faena.workspaces import store as workspaces
from tests.tracking import frames

T = TypeVar("T")
_SUBMISSION = msgspec.json.encode(Submission(experiment="e", snapshot="", script="train.py", cluster="cpu"))


class TidyHouse:
    def __init__(
        self,
        folder: Path,
        objects: FolderObjects | None = None,
        *,
        open_database: Callable[[Path], Database] = Database,
    ) -> None:
        self.clock = ManualClock(time.time_ns() // 1000)
        self.objects = objects or FolderObjects(folder / "objects", self.clock.monotonic)
        self.database = open_database(folder / "faena.db")
        self._made = 0

    def close(self) -> None:
        self.database.close()

    def run(
        self,
        files: dict[str, bytes] | None = None,
        *,
        experiment: str = "e",
        parent: str | None = None,
        snapshot: str = "",
        ended: bool = True,
    ) -> str:
        """A run with these files; it ended the moment it began."""
        self._made += 1
        run_id = f"{experiment}_{self._made:04d}"
        now = self.clock.now()
        run = Run(
            id=run_id,
            experiment=experiment,
            number=self._made,
            status=RunStatus.COMPLETED if ended else RunStatus.RUNNING,
            version=1,
            user="",
            cluster="cpu",
            node_count=1,
            snapshot=snapshot,
            submission=_SUBMISSION,
            created_at=now,
            started_at=now,
            ended_at=now if ended else None,
            parent=parent,
            type=SCRIPT_RUN,
            attempt=1,
        )

        def add(write: Write) -> None:
            workspaces.create_experiment(write, experiment, now)
            store.add(write, run)
            changed = {"status": run.status.value, "ended_at": run.ended_at, "started_at": now}
            store.update(write, run_id, changed)

        self.database.submit_write(add).result()
        self.keep(run_id, files or {})
        return run_id

    def keep(self, run_id: str, files: dict[str, bytes]) -> None:
        stored = {name: StoredFile(*self.objects.put([data])) for name, data in files.items()}
        now = self.clock.now()
        self.database.submit_write(lambda write: run_files.put_files(write, run_id, stored, now)).result()

    def log(self, run_id: str, name: str, text: bytes, *, limit: int | None = None) -> list[str]:
        """Append to a log of the run; the notes that come of it."""
        key = StreamKey(run_id, 1, 0, f"log/{name}")
        now = self.clock.now()

        def append(write: Write) -> list[str]:
            offset = ingest.offsets(write, run_id, 1, 0).get(key.stream, 0)
            done = ingest.append(write, key, offset, text, now, log_bytes=limit)
            assert done.offset == offset + len(text)
            return [str(event.data["message"]) for event in done.events]

        return self.database.submit_write(append).result()

    def points(self, run_id: str, name: str, count: int) -> None:
        """So many points of a metric, none like another."""
        key = StreamKey(run_id, 1, 0, "spool/7-0a1b2c3d")
        data = frames.name(0, name) + b"".join(frames.number(at / 7, time=at) for at in range(count))
        now = self.clock.now()
        self.database.submit_write(lambda write: ingest.append(write, key, 0, data, now)).result()

    def value(self, run_id: str, name: str, value: float) -> None:
        """One value of a metric."""
        key = StreamKey(run_id, 1, 0, "spool/7-0a1b2c3d")
        data, now = frames.name(0, name) + frames.number(value), self.clock.now()
        self.database.submit_write(lambda write: ingest.append(write, key, 0, data, now)).result()

    def metrics(self, run_id: str) -> dict[str, Any]:
        return self.read(lambda read: query.metrics(read, self.objects, run_id))

    def seal(self, run_id: str) -> None:
        seal(self.database, self.objects, run_id, 1, self.clock)

    def snapshot(self, data: bytes) -> str:
        """A snapshot of one file, sent as a client does: bytes that are there already are not sent again."""
        digest = hashlib.sha256(data).hexdigest()
        manifest = (SnapshotFile("train.py", len(data), digest),)
        snapshot = Snapshot(manifest, manifest_digest(manifest))
        objects = Objects(self.objects, self.database, self.clock)

        async def send() -> None:
            while await put_snapshot(snapshot.digest, snapshot, objects, self.database, self.clock):
                await objects.put([data])

        asyncio.run(send())
        return snapshot.digest

    def register(self, run_id: str, path: str, name: str = "net") -> str:
        self._made += 1
        request, asked, now = (
            f"request-{self._made}",
            Registration(run_id=run_id, path=path),
            self.clock.now(),
        )
        view = self.database.submit_write(
            lambda write: models.register(write, name, request, asked, now)
        ).result()
        return view.id

    def delete(self, runs: Sequence[str] = (), **asked: object) -> DeletionView:
        request = msgspec.convert({"runs": tuple(runs), **asked}, DeletionRequest)
        return asyncio.run(deleting.delete(self.database, request, self.clock.now()))

    def undo(self, number: int | None) -> None:
        assert number is not None
        self.database.submit_write(lambda write: deleting.undo(write, number)).result()

    def collect(self, *, now: bool = False, dry_run: bool = False) -> CollectionView:
        async def collecting() -> CollectionView:
            collector = Collector(self.database, self.objects, self.clock, asyncio.Lock())
            return await collector.collect(CollectionRequest(now=now, dry_run=dry_run))

        return asyncio.run(collecting())

    def days(self, count: float) -> None:
        self.clock.advance(count * 86_400)

    def files(self, run_id: str) -> dict[str, bytes]:
        """What the run's files hold, by name."""
        found = self.read(lambda read: run_files.files(read, run_id))
        return {file.name: self.bytes(file.digest) for file in found}

    def bytes(self, digest: str) -> bytes:
        with self.objects.open(digest) as file:
            return file.read()

    def read(self, work: Callable[[Read], T]) -> T:
        return self.database.submit_read(work).result()
