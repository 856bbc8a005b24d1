"""What killed processes left behind goes by itself, as long as there is a server."""

from __future__ import annotations

import asyncio
import logging

from faena.attempts.folder import remove_empty
from faena.kernel import leftovers, settings
from faena.workspaces.model import WorkspaceFolder

_log = logging.getLogger(__name__)
_FIRST_S = 5.0
"""A server that has just started has others to answer first."""
_BETWEEN_S = 600.0


async def sweep_now_and_then(folder: WorkspaceFolder) -> None:
    """Never returns."""
    await asyncio.sleep(_FIRST_S)
    while True:
        try:
            await asyncio.to_thread(sweep, folder)
        except Exception:  # noqa: BLE001  a defect must not end the care for good
            _log.exception("sweeping failed; the next try is in %g s", _BETWEEN_S)
        await asyncio.sleep(_BETWEEN_S)


def sweep(folder: WorkspaceFolder) -> None:
    """Empty attempt folders of the workspace; sockets and locks of all workspaces of this user."""
    remove_empty(folder.attempts, older_than=leftovers.SETTLING)
    if removed := leftovers.sweep(settings.runtime()):
        _log.info("removed %d sockets and locks of processes that are gone", len(removed))
