"""The attempt folder: the truth of a run while it lasts. Its layout is drawn in ARCHITECTURE.md."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from faena.kernel.durable import write_atomically

SPECIAL = ("outputs", "logs")
"""Folders that exist before the script starts and are kept when it has ended."""


@dataclass(frozen=True, slots=True)
class AttemptFolder:
    path: Path

    @property
    def code(self) -> Path:
        return self.path / "code"

    @property
    def data(self) -> Path:
        """What the script gets from datastores and datasets, a folder each, unless it is to be inside `code`."""
        return self.path / "data"

    @property
    def driver_log(self) -> Path:
        return self.path / "driver.log"

    @property
    def spool(self) -> Path:
        return self.path / "spool"

    @property
    def system(self) -> Path:
        """The runner's own spool: CPU, memory and GPU samples."""
        return self.path / "system"

    @property
    def lock(self) -> Path:
        """Held by whoever works on the attempt: its runner, or the one that adopts it."""
        return self.path / "attempt.lock"

    @property
    def guard_lock(self) -> Path:
        """Held by the guard while anything of the script may live."""
        return self.path / "guard.lock"

    def order(self) -> dict[str, Any]:
        """What the runner was asked to do. Raises OSError or ValueError when it is not there whole."""
        found = json.loads((self.path / "order.json").read_text())
        if not isinstance(found, dict):
            raise ValueError(f"{self.path / 'order.json'} is not an object")
        return found

    def record(self, name: str) -> dict[str, Any] | None:
        """`start` or `end`; None while the guard has not written it."""
        try:
            found = json.loads((self.path / f"{name}.json").read_text())
        except FileNotFoundError:
            return None
        return found if isinstance(found, dict) else None

    def forget(self) -> None:
        """Remove the folder, whose attempt is closed, and the run's folder when it was the last one in it."""
        shutil.rmtree(self.path, ignore_errors=True)
        for parent in (self.path.parent, self.path.parent.parent):
            try:
                parent.rmdir()
            except OSError:
                return


def write_record(folder: Path, name: str, value: dict[str, Any]) -> None:
    """Whole or not at all, also after power loss."""
    write_atomically(folder / f"{name}.json", json.dumps(value).encode())
