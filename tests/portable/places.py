"""A workspace's database and objects without a server, and runs in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from faena.data import store as snapshots
from faena.data.schemas import Snapshot, SnapshotFile, manifest_digest
from faena.db import Database, Write
from faena.kernel.clock import SystemClock
from faena.objects import store as object_store
from faena.objects.files import FolderObjects
from faena.portable import exporting, importing, places
from faena.portable.exporting import Parts
from faena.portable.schemas import ExportView, ImportView
from faena.runs import record_store, store
from faena.runs.model import SCRIPT_RUN, EndReason, Run, RunStatus
from faena.runs.submission_schemas import Submission
from faena.tidying import store as _tidying  # noqa: F401  its tables are part of the schema
from faena.tracking import files as run_files
from faena.tracking import ingest, query, sealing
from faena.tracking.model import StoredFile, StreamKey
from faena.workspaces import store as workspaces

RUN = "exp_1_0a1b2c3d"
CODE = {"train.py": b"print(1)\n", "lib/a b#.py": b"x = 1\n", "lib/empty": b""}


@dataclass
class Place:
    folder: Path
    open_database: Callable[[Path], Database] = Database

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True)
        self.database = self.open_database(self.folder / "faena.db")
        self.objects = FolderObjects(self.folder / "objects")
        self.parts = Parts(self.database, self.objects, SystemClock())

    def write(self, work: Any) -> Any:
        return self.database.submit_write(work).result(60)

    def read(self, work: Any) -> Any:
        return self.database.submit_read(work).result(60)

    def add_run(self, run_id: str = RUN, *, number: int = 1, ended: bool = True, **changes: Any) -> None:
        """A run with code, one that has ended unless told."""
        files = tuple(
            SnapshotFile(path, len(data), self.objects.put([data])[0]) for path, data in sorted(CODE.items())
        )
        snapshot = Snapshot(files, manifest_digest(files))
        submission = Submission("exp", snapshot.digest, "train.py", "cpu", ("--epochs", "3"))
        run = Run(
            id=run_id,
            experiment="exp",
            number=number,
            status=RunStatus.COMPLETED if ended else RunStatus.RUNNING,
            version=3,
            user="ann",
            cluster="cpu",
            node_count=1,
            snapshot=snapshot.digest,
            submission=msgspec.json.encode(submission),
            created_at=1_000_000,
            started_at=1_500_000,
            ended_at=2_000_000 if ended else None,
            parent=None,
            type=SCRIPT_RUN,
            attempt=1,
        )

        def add(write: Write) -> None:
            object_store.touch(write, {file.digest: file.size for file in files}, 1)
            snapshots.put(write, snapshot, {file.digest for file in files}, 1)
            workspaces.create_experiment(write, "exp", 1)
            workspaces.next_run_number(write, "exp")
            store.add(write, run)
            if ended:
                store.update(write, run_id, {"reason": EndReason.COMPLETED.value, **changes})
            record_store.add_parameters(write, run_id, {"epochs": "3"})

        self.write(add)

    def append(self, stream: str, data: bytes, *, attempt: int = 1, rank: int = 0, run_id: str = RUN) -> None:
        key = StreamKey(run_id, attempt, rank, stream)
        self.write(lambda write: ingest.append(write, key, 0, data, 1))

    def put_files(self, files: Mapping[str, bytes], run_id: str = RUN) -> None:
        stored = {name: StoredFile(*self.objects.put([data])) for name, data in files.items()}
        self.write(lambda write: run_files.put_files(write, run_id, stored, 5))

    def seal(self, attempt: int = 1, run_id: str = RUN) -> None:
        sealing.seal(self.database, self.objects, run_id, attempt, self.parts.clock)

    def metrics(self, **options: Any) -> dict[str, Any]:
        return dict(self.read(lambda read: query.metrics(read, self.objects, RUN, **options)))

    def export(self, target: Path, run_id: str = RUN, *, children: bool = False) -> ExportView:
        with places.for_export(str(target), self.folder / "objects") as made:
            return exporting.export(self.parts, run_id, made, children=children)

    def take(self, folder: Path) -> ImportView:
        return importing.take(self.parts, places.of_import(str(folder)))

    def everything(self) -> dict[str, list[Any]]:
        """All rows of all tables but those of objects, and of what is the tests' own or a place's."""
        from faena.db import metadata
        from faena.db.schema import OF_PLACE

        return self.read(  # type: ignore[no-any-return]  # a row has no types
            lambda read: {
                table.name: sorted(map(repr, read.execute(table.select())))
                for table in metadata.sorted_tables
                if table.name != "objects" and table.info != OF_PLACE
            }
        )
