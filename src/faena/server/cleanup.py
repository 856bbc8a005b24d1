"""What killed processes left behind, and what logs have too much, goes by itself, as long as there is a server."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from faena.attempts.folder import remove_empty
from faena.kernel import leftovers, settings
from faena.kernel.discovery import NODES_LOG, Rendezvous
from faena.kernel.errors import FaenaError
from faena.kernel.rotating import MOST_BYTES, rotate
from faena.objects import uploads
from faena.workspaces import secrets
from faena.workspaces.model import WorkspaceFolder

_log = logging.getLogger(__name__)
_FIRST_S = 5.0
"""A server that has just started has others to answer first."""
_BETWEEN_S = 600.0
_BETWEEN_LOGS_S = 10.0


async def sweep_now_and_then(folder: WorkspaceFolder) -> None:
    """Never returns."""
    await asyncio.sleep(_FIRST_S)
    while True:
        try:
            await asyncio.to_thread(sweep, folder)
        except Exception:  # noqa: BLE001  a defect must not end the care for good
            _log.exception("sweeping failed; the next try is in %g s", _BETWEEN_S)
        await asyncio.sleep(_BETWEEN_S)


async def rotate_now_and_then(folder: WorkspaceFolder) -> None:
    """Never returns. Of the server's own log and of that of the nodes, which all of them write."""
    logs = (Rendezvous(folder.path).log, folder.path / NODES_LOG)
    while True:
        for log in logs:
            try:
                if log.exists() and log.stat().st_size > MOST_BYTES:
                    await asyncio.to_thread(rotate, log)
            except OSError as error:
                _log.warning("%s cannot be rotated: %s", log, error.strerror)
        await asyncio.sleep(_BETWEEN_LOGS_S)


def sweep(folder: WorkspaceFolder) -> None:
    """Empty attempt folders and old uploads of the workspace; sockets and locks of all workspaces of this user."""
    remove_empty(folder.attempts, older_than=leftovers.SETTLING)
    uploads.sweep(folder.uploads)
    if removed := leftovers.sweep(settings.runtime()):
        _log.info("removed %d sockets and locks of processes that are gone", len(removed))


async def seal_secrets(folder: Path) -> None:
    """Encrypt those that an earlier Faena has left in plain text."""
    if not (folder / secrets.NAME).exists():
        return
    try:
        await asyncio.to_thread(secrets.Secrets(folder).seal)
    except FaenaError as error:
        _log.warning("%s", error)
