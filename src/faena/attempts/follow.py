"""Follows the files of an attempt: which bytes are there that the server has not got yet."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from faena.attempts.folder import AttemptFolder
from faena.kernel import file_names

DRIVER_LOG = "azureml-logs/70_driver_log{suffix}.txt"
"""The name that v1 gave to the script's own output; scripts and notebooks look for it."""

SYSTEM = "spool/system"
"""The stream of the runner's own samples."""


@dataclass(slots=True)
class Followed:
    path: Path
    stream: str
    acknowledged: int = 0
    seen: int = 0

    def grown(self) -> bool:
        try:
            self.seen = self.path.stat().st_size
        except OSError:
            return False
        return self.seen > self.acknowledged

    def read(self, limit: int) -> bytes:
        try:
            with self.path.open("rb") as file:
                file.seek(self.acknowledged)
                return file.read(limit)
        except OSError:
            return b""


@dataclass(frozen=True, slots=True)
class Segment:
    stream: str
    offset: int
    data: bytes


class Follower:
    """All streams of one attempt. Not thread-safe: one thread follows."""

    def __init__(self, folder: AttemptFolder, *, rank: int, node_count: int) -> None:
        suffix = f"_{rank}" if node_count > 1 else ""
        self._folder = folder
        self._files: dict[str, Followed] = {}
        self._acknowledged: dict[str, int] = {}
        self._add(folder.driver_log, "log/" + DRIVER_LOG.format(suffix=suffix))

    def start_at(self, offsets: dict[str, int]) -> None:
        """Go on from what the server has."""
        self._acknowledged = dict(offsets)
        for stream, offset in offsets.items():
            if stream in self._files:
                self._files[stream].acknowledged = offset

    def discover(self) -> None:
        """Find streams that came since last time."""
        self._discover_in(self._folder.spool, "spool/", suffix=".spool")
        self._discover_in(self._folder.code / "logs", "log/logs/")
        for path in self._folder.system.glob("*.spool"):
            if SYSTEM not in self._files:
                self._add(path, SYSTEM)

    def grown(self) -> list[Followed]:
        return [file for file in self._files.values() if file.grown()]

    def segments(self, limit: int) -> list[Segment]:
        """What is new, `limit` bytes of it at most."""
        found: list[Segment] = []
        for file in self.grown():
            data = file.read(limit)
            if data:
                found.append(Segment(file.stream, file.acknowledged, data))
                limit -= len(data)
            if limit <= 0:
                break
        return found

    def acknowledge(self, stream: str, offset: int) -> None:
        self._files[stream].acknowledged = offset

    def streams(self) -> list[str]:
        return list(self._files)

    def _add(self, path: Path, stream: str) -> None:
        self._files[stream] = Followed(path, stream, self._acknowledged.get(stream, 0))

    def _discover_in(self, folder: Path, prefix: str, suffix: str = "") -> None:
        try:
            entries = list(os.scandir(folder))
        except OSError:
            return
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                if not suffix:
                    self._discover_in(Path(entry.path), f"{prefix}{entry.name}/")
                continue
            if not entry.name.endswith(suffix) or not entry.is_file(follow_symlinks=False):
                continue
            stream = prefix + entry.name.removesuffix(suffix)
            if stream not in self._files and file_names.refusal(stream) is None:
                self._add(Path(entry.path), stream)
