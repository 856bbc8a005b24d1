"""What is asked before any request is answered."""

from __future__ import annotations

from collections.abc import Callable

from litestar.types import ASGIApp, Receive, Scope, Send

from faena.kernel.errors import WorkspaceGone
from faena.workspaces.model import WorkspaceFolder


def look_first(folder: WorkspaceFolder, is_lost: Callable[[], bool]) -> Callable[[ASGIApp], ASGIApp]:
    """Nothing is answered for a workspace that was moved or removed, or whose path another one has now."""

    def wrap(app: ASGIApp) -> ASGIApp:
        async def looked(scope: Scope, receive: Receive, send: Send) -> None:
            if is_lost():
                raise WorkspaceGone(f"The workspace {folder.name!r} is not in {folder.path.parent} any more.")
            await app(scope, receive, send)

        return looked

    return wrap
