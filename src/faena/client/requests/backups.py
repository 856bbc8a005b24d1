"""Typed requests about backups and repairs."""

from __future__ import annotations

import msgspec

from faena.backups.schemas import BackupRequest, BackupView, RepairRequest, RepairView
from faena.client.wire import encode
from faena.kernel.transport import Transport, segment

_LONG = 86_400.0
"""Seconds that the server may take where it reads every object."""


class BackupApi:
    """Each method is one request; each raises the FaenaError that the server names, or ServerUnreachable."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def start(self, backup_id: str, asked: BackupRequest) -> BackupView:
        answer = self._transport.request("PUT", f"/backups/{segment(backup_id)}", encode(asked))
        return msgspec.json.decode(answer.data, type=BackupView)

    def look(self, backup_id: str, wait: float) -> BackupView:
        """Answers at the next step, or after `wait` seconds."""
        answer = self._transport.request("GET", f"/backups/{segment(backup_id)}?wait={wait:g}", held=wait)
        return msgspec.json.decode(answer.data, type=BackupView)

    def repair(self, asked: RepairRequest) -> RepairView:
        answer = self._transport.request("POST", "/repairs", encode(asked), timeout=_LONG)
        return msgspec.json.decode(answer.data, type=RepairView)
