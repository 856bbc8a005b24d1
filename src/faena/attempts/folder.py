"""The attempt folder: the truth of a run while it lasts. Its layout is drawn in docs/attempts.md."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from faena.attempts import records, script_files
from faena.attempts.records import Shape, UnreadableRecord
from faena.attempts.script_files import DRIVER_LOG, RANKS, write_record
from faena.script.spool import DROPPED

__all__ = ["ATTEMPTS", "SPECIAL", "AttemptFolder", "MovingFolder", "remove_empty", "write_record"]

ATTEMPTS = "attempts"
"""In a workspace's folder: what holds the attempt folders, each at its `AttemptKey.name`."""
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
        return self.path / DRIVER_LOG

    @property
    def ranks(self) -> Path:
        """What each rank prints, and how it ended, where the script runs in several processes."""
        return self.path / RANKS

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

    def order(self, shape: Shape) -> dict[str, Any]:
        """What the runner was asked to do, in `shape` at least. Raises UnreadableRecord, also where it is not there."""
        return records.needed_record(self.path / "order.json", shape)

    def start(self) -> dict[str, Any] | None:
        """What the guard wrote as the script started; None before that. Raises UnreadableRecord."""
        return records.read_record(self.path / "start.json", records.START)

    def started_at(self) -> int | None:
        """When the script started, in µs; by the time of its writing where the record says nothing else."""
        path = self.path / "start.json"
        try:
            found = self.start()
            return None if found is None else int(found["at"])
        except UnreadableRecord:
            try:
                return path.stat().st_mtime_ns // 1000
            except OSError:
                return 0

    def may_have_started(self) -> bool:
        """Whether the script may have begun, its record written or not: its log is made right before it does."""
        return self.started_at() is not None or self.driver_log.exists()

    def end(self, *shapes: Shape) -> dict[str, Any] | None:
        """How it ended, in one of the shapes; None while nobody has written it. Raises UnreadableRecord."""
        return records.read_record(self.path / "end.json", *shapes)

    def last_written(self) -> int:
        """When log or spools were last, in ns: where nobody says how the script ended, it lived until then."""
        found = [0]
        for path in (
            self.driver_log,
            *self.ranks.glob("*.log"),
            *self.spool.glob("*.spool"),
            *self.system.glob("*.spool"),
        ):
            with contextlib.suppress(OSError):
                found.append(path.stat().st_mtime_ns)
        return max(found)

    def streams_left(self) -> dict[str, int]:
        """Bytes of what the script has written, by path in the folder, once nobody writes any more."""
        return script_files.streams_left(self.path)

    def dropped(self) -> dict[str, int]:
        """By process: how many of its records found no room. It has the number in the name of an empty file."""
        found: dict[str, int] = {}
        for path in self.spool.glob(f"*{DROPPED}*"):
            writer, _, count = path.name.rpartition(DROPPED)
            if count.isdecimal():
                found[writer] = max(int(count), found.get(writer, 0))
        return found

    def forget(self) -> None:
        """Remove the folder, whose attempt is closed, and the run's folder when it was the last one in it.

        It goes all at once: nobody may take a part of it that is gone already for one that is missing.
        """
        going = self.path.with_name(f".{self.path.name}-{os.urandom(4).hex()}")
        with contextlib.suppress(OSError):
            self.path.rename(going)
            shutil.rmtree(going, ignore_errors=True)
        for parent in (self.path.parent, self.path.parent.parent):
            try:
                parent.rmdir()
            except OSError:
                return


def remove_empty(attempts: Path, *, older_than: float) -> None:
    """Folders of runs and attempts that nothing is in; not those of the last seconds, which somebody may just make."""
    for folder in (*attempts.glob("*/*"), *attempts.glob("*")):
        try:
            if time.time() - folder.stat().st_mtime > older_than:
                folder.rmdir()
        except OSError:
            continue  # something is in it, or it is gone


class MovingFolder(AttemptFolder):
    """One whose workspace may be moved while it is used: `locate` says where its path is now."""

    __slots__ = ("_given", "_locate")

    _given: Path
    _locate: Callable[[Path], Path]

    def __init__(self, path: Path, locate: Callable[[Path], Path]) -> None:
        object.__setattr__(self, "_given", path)
        object.__setattr__(self, "_locate", locate)

    @property
    def path(self) -> Path:
        return self._locate(self._given)
