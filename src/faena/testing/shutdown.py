"""Shutting a workspace down: what runs in it is stopped, and nothing may be left."""

from __future__ import annotations

from faena.client.workspace import Workspace
from faena.kernel.discovery import Rendezvous, is_held
from faena.testing.waiting import until


def shut_down(workspace: Workspace) -> None:
    """Cancel what runs, stop the server, see that server and nodes are gone. Raises AssertionError when one stays.

    Where nobody is, no server is started to be told so.
    """
    rendezvous = Rendezvous(workspace.files.path)
    nodes = rendezvous.nodes

    def are_there() -> bool:
        return any(is_held(lock) for lock in nodes.glob("*.lock"))

    if not is_held(rendezvous.election) and not are_there():
        return
    end_runs(workspace)
    end_endpoints(workspace)
    workspace.api.stop()
    until(lambda: not is_held(rendezvous.election), "the server has left")
    until(lambda: not are_there(), "the nodes have left")


def end_endpoints(workspace: Workspace) -> None:
    """Delete them, and wait until their fronts and workers are gone."""
    for view in workspace.api.endpoints.list():
        workspace.api.endpoints.delete(view.name)
    until(lambda: not workspace.api.endpoints.list(), "all endpoints are gone")


def end_runs(workspace: Workspace) -> None:
    """Cancel what runs, and wait until it has ended."""
    for row in workspace.api.runs(limit=1000):
        if row.ended_at is None:
            workspace.api.cancel(row.id)
    until(lambda: all(row.ended_at for row in workspace.api.runs(limit=1000)), "all runs have ended")
