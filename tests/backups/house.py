"""A workspace and a folder for its backups, without a server."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from faena.backups.model import RECORD, BackupRecord, read_record
from faena.backups.restoring import restore
from faena.backups.schemas import BackupRequest, BackupView
from faena.backups.taking import Parts, Taking
from faena.kernel import ids
from faena.server import app  # noqa: F401  its features add their tables
from faena.workspaces.model import WorkspaceFolder
from tests.tidying.house import TidyHouse


@dataclass
class Place:
    """A workspace and a folder for its backups."""

    workspace: WorkspaceFolder
    house: TidyHouse
    folder: Path
    tell: Callable[[BackupView], None] = lambda view: None
    stopped: threading.Event = field(default_factory=threading.Event)

    @property
    def parts(self) -> Parts:
        return Parts(self.workspace, self.house.objects, self.house.clock, "0.1.0")

    @property
    def record(self) -> BackupRecord:
        return read_record((self.folder / RECORD).read_bytes(), self.folder / RECORD)

    def back_up(self, *, verify: bool = False, keep: int = 3, accept_loss: bool = False) -> BackupView:
        self.house.days(1)
        asked = BackupRequest(str(self.folder), verify=verify, keep=keep, accept_loss=accept_loss)
        taking = Taking(
            self.parts, BackupView("b", str(self.folder), "copying"), self.tell, asked, self.stopped
        )
        taking.take()
        return taking.view

    def restored(self, to: Path, at: str | None = None) -> TidyHouse:
        made = restore(self.folder, to, lambda number, of: None, name=ids.new_id("restored"), at=at)
        return TidyHouse(made.workspace.path)

    def holds(self, runs: dict[str, dict[str, bytes]], to: Path) -> None:
        """What is restored from the folder has exactly these files."""
        other = self.restored(to)
        try:
            assert {run_id: other.files(run_id) for run_id in runs} == runs
        finally:
            other.close()


def of(place: Place, data: bytes) -> Path:
    """The object that holds these bytes."""
    return place.house.objects.path(place.house.objects.put([data])[0])
