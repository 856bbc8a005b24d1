"""Removing a local workspace: nothing may run in it, its server leaves, then its folder goes."""

from __future__ import annotations

import secrets
import shutil
import time

from faena.client.workspaces.session import Session
from faena.kernel.discovery import Rendezvous, is_held
from faena.kernel.errors import NoFolder, WorkspaceException

_LEAVING = 30.0
"""Seconds that the server and its idle nodes may take to leave."""
_POLL = 0.05
_MANY = 1000


def remove(workspace: Session) -> None:
    """Raises WorkspaceException while a run has not ended or a process does not leave, NoFolder at a URL."""
    if workspace.url:
        raise NoFolder(
            f"The workspace at {workspace.url} is not this machine's to remove. Its owner removes the folder that its "
            "server works on."
        )
    unfinished = [row.id for row in workspace.api.runs(limit=_MANY) if row.ended_at is None]
    if unfinished:
        raise WorkspaceException(
            f"Workspace {workspace.name!r} has runs that have not ended: {', '.join(unfinished[:5])}. Cancel or await "
            "them first."
        )
    workspace.api.stop()
    _await_silence(workspace)
    doomed = workspace.files.path.with_name(f".faena-removed-{secrets.token_hex(8)}")
    workspace.files.path.rename(doomed)  # at once, so that nobody opens a half of it
    shutil.rmtree(doomed)


def _await_silence(workspace: Session) -> None:
    rendezvous = Rendezvous(workspace.files.path)
    until = time.monotonic() + _LEAVING
    while is_held(rendezvous.election) or any(is_held(lock) for lock in rendezvous.nodes.glob("*.lock")):
        if time.monotonic() > until:
            raise WorkspaceException(
                f"The server of {workspace.name!r} does not leave. See its log, {rendezvous.log}."
            )
        time.sleep(_POLL)
