"""The log of a build, and how it comes to the runs that wait for it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from faena.db import Read, Write
from faena.kernel.clock import Micros
from faena.runs import build_queue
from faena.tracking import ingest
from faena.tracking.model import StreamKey

BUILD_LOG = "log/azureml-logs/20_image_build_log.txt"
_PART = 1 << 20
_IN_ROTATION = 1
"""Runs that get what is new at a look though nobody follows them."""


class BuildLog:
    """Brought at once to runs whose log somebody follows; to the others one at a look, so that a thousand which wait
    cost no more than some do. All have the whole of it once the build has ended.
    """

    def __init__(self, build: str, path: Path) -> None:
        self._build = build
        self._path = path
        self._brought: dict[str, int] = {}
        """Bytes, by run."""
        self._rotated: tuple[Micros, str] = (0, "")

    def due(self, read: Read, topics: Sequence[str]) -> list[str]:
        """Runs that are to have more of it now. `topics`: those that somebody is subscribed to."""
        try:
            size = self._path.stat().st_size
        except FileNotFoundError:
            return []
        followed = [run_id for topic in topics if (run_id := ingest.run_of_logs(topic))]
        found = build_queue.among(read, self._build, followed) if followed else []
        found += self._in_rotation(read)
        return [run_id for run_id in dict.fromkeys(found) if self._brought.get(run_id, 0) < size]

    def bring(self, write: Write, runs: Sequence[str], now: Micros) -> None:
        read: dict[int, bytes] = {}
        for run_id in runs:
            offset = self._brought.get(run_id, 0)
            while True:
                if offset not in read:
                    read[offset] = _read_from(self._path, offset)
                reached = ingest.append(
                    write, StreamKey(run_id, 0, 0, BUILD_LOG), offset, read[offset], now
                ).offset
                if not read[offset] or reached <= offset:
                    break
                offset = reached
            self._brought[run_id] = offset

    def _in_rotation(self, read: Read) -> list[str]:
        found = build_queue.after(read, self._build, self._rotated, _IN_ROTATION)
        self._rotated = (found[-1].created_at, found[-1].id) if found else (0, "")
        return [row.id for row in found]


def _read_from(path: Path, offset: int) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(offset)
            return file.read(_PART)
    except FileNotFoundError:
        return b""
