"""The log of a build, and how it comes to the runs that wait for it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from faena.db import Read, Write
from faena.kernel.clock import Micros
from faena.runs import build_queue
from faena.tracking import ingest
from faena.tracking.model import StreamKey

BUILD_LOG = "log/azureml-logs/20_image_build_log.txt"
_PART = 1 << 20


class BuildLog:
    """Brought to runs whose log somebody follows or asks for, and to all once the build has ended: a thousand that
    wait and at which nobody looks cost nothing.
    """

    def __init__(self, build: str, path: Path) -> None:
        self._build = build
        self._path = path
        self._brought: dict[str, int] = {}
        """Bytes, by run."""

    def due(self, read: Read, run_ids: Collection[str]) -> list[str]:
        """Those of these runs that wait for the build and have not all of its log."""
        try:
            size = self._path.stat().st_size
        except FileNotFoundError:
            return []
        behind = [run_id for run_id in run_ids if self._brought.get(run_id, 0) < size]
        return build_queue.among(read, self._build, behind) if behind else []

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


def _read_from(path: Path, offset: int) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(offset)
            return file.read(_PART)
    except FileNotFoundError:
        return b""
