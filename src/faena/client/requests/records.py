"""What is asked of a run's whole record: to compare it, to run it again, to take it elsewhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import msgspec

from faena.client.wire import encode
from faena.data.schemas import SnapshotFile
from faena.kernel.transport import Transport, segment
from faena.portable.schemas import (
    ExportRequest,
    ExportView,
    ExportWanted,
    ImportRequest,
    ImportView,
    SentExport,
    SentFile,
    SentImport,
)
from faena.runs.list_schemas import MetricRange
from faena.runs.schemas import LeftFiles, Obstacle
from faena.runs.submission_schemas import Checkpoint, CheckpointOffer, Submission

_COPYING = 3600.0
"""Seconds that the server may take where it copies files before it answers."""


class RecordApi:
    """Each method is one request; each raises the FaenaError that the server names, or ServerUnreachable."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def checkpoint(self, run_id: str) -> Checkpoint | None:
        """What another run goes on from that takes up where this one ended."""
        answer = self._transport.request("GET", f"/runs/{segment(run_id)}/checkpoint")
        return msgspec.json.decode(answer.data, type=CheckpointOffer).checkpoint

    def left_files(self, run_id: str, path: str) -> LeftFiles:
        """What another run can be given of one that has ended."""
        query = urlencode({"path": path})
        answer = self._transport.request("GET", f"/runs/{segment(run_id)}/left-files?{query}")
        return msgspec.json.decode(answer.data, type=LeftFiles)

    def submission(self, run_id: str) -> Submission:
        """What was asked for."""
        answer = self._transport.request("GET", f"/runs/{segment(run_id)}/submission")
        return msgspec.json.decode(answer.data, type=Submission)

    def lock(self, run_id: str) -> dict[str, Any]:
        """What its environment held. Raises UserErrorException while that is not known."""
        found: dict[str, Any] = self._transport.json("GET", f"/runs/{segment(run_id)}/lock")
        return found

    def metric_ranges(self, run_id: str) -> list[MetricRange]:
        """What each metric came to, without its points."""
        # Python's spelling of NaN and infinity, which JSON lacks
        answer = self._transport.request("GET", f"/runs/{segment(run_id)}/metric-ranges")
        return msgspec.convert(json.loads(answer.data), list[MetricRange])

    def obstacles(self, run_id: str, cluster: str | None = None) -> list[Obstacle]:
        """What keeps the run from being had again as it was, on its own cluster or another one."""
        query = "" if cluster is None else "?" + urlencode({"cluster": cluster})
        answer = self._transport.request("GET", f"/runs/{segment(run_id)}/obstacles{query}", timeout=_COPYING)
        return msgspec.json.decode(answer.data, type=list[Obstacle])

    def snapshot(self, digest: str) -> list[SnapshotFile]:
        """The files that a source folder held."""
        answer = self._transport.request("GET", f"/snapshots/{segment(digest)}")
        return msgspec.json.decode(answer.data, type=list[SnapshotFile])

    def object(self, digest: str) -> bytes:
        return self._transport.request("GET", f"/objects/{segment(digest)}").data

    def export(self, run_id: str, folder: Path, *, children: bool) -> ExportView:
        asked = encode(ExportRequest(str(folder), children))
        answer = self._transport.request("POST", f"/runs/{segment(run_id)}/export", asked, timeout=_COPYING)
        return msgspec.json.decode(answer.data, type=ExportView)

    def export_by_bytes(self, run_id: str, *, children: bool) -> SentExport:
        """What the run's folder holds, to be downloaded as objects."""
        asked = encode(ExportWanted(children))
        answer = self._transport.request("POST", f"/runs/{segment(run_id)}/exported", asked, timeout=_COPYING)
        return msgspec.json.decode(answer.data, type=SentExport)

    def take_sent(self, files: list[SentFile], shown: str) -> ImportView:
        """Files that were sent."""
        asked = encode(SentImport(files, shown))
        answer = self._transport.request("POST", "/imports/sent", asked, timeout=_COPYING)
        return msgspec.json.decode(answer.data, type=ImportView)

    def take(self, folder: Path) -> ImportView:
        asked = encode(ImportRequest(str(folder)))
        answer = self._transport.request("POST", "/imports", asked, timeout=_COPYING)
        return msgspec.json.decode(answer.data, type=ImportView)
