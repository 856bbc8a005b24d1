"""What is asked of the workspace's folder before a request is answered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress

from litestar.types import ASGIApp, Receive, Scope, Send

from faena.kernel.errors import WorkspaceException, WorkspaceGone
from faena.workspaces.model import RECORD, WorkspaceFolder, open_folder


def as_named_now(folder: WorkspaceFolder) -> Callable[[], WorkspaceFolder]:
    """The workspace under the name that it has at each request: it may be renamed meanwhile."""
    written, known, record = 0, folder, folder.path / RECORD

    def provide() -> WorkspaceFolder:
        nonlocal written, known
        with suppress(OSError, WorkspaceException):
            now = record.stat().st_mtime_ns
            if now != written:
                written, known = now, open_folder(folder.path)
        return known

    return provide


def look_first(folder: WorkspaceFolder, is_lost: Callable[[], bool]) -> Callable[[ASGIApp], ASGIApp]:
    """Nothing is answered for a workspace that was moved or removed, or whose path another one has now."""

    def wrap(app: ASGIApp) -> ASGIApp:
        async def looked(scope: Scope, receive: Receive, send: Send) -> None:
            if is_lost():
                raise WorkspaceGone(f"The workspace {folder.name!r} is not in {folder.path.parent} any more.")
            await app(scope, receive, send)

        return looked

    return wrap


def bring_first(bring: Callable[[str], Awaitable[None]]) -> Callable[[ASGIApp], ASGIApp]:
    """Who asks for more of a run than its row gets what `bring` brings to it, too."""

    def wrap(app: ASGIApp) -> ASGIApp:
        async def brought(scope: Scope, receive: Receive, send: Send) -> None:
            match scope["path"].split("/"):
                case ["", "runs", run_id, _, *_] | ["", "ui", "runs", run_id, *_]:
                    await bring(run_id)
            await app(scope, receive, send)

        return brought

    return wrap
