"""What happens to each request before a route has it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from litestar.types import ASGIApp, Receive, Scope, Send

import faena
from faena.db import Database
from faena.kernel import settings
from faena.kernel.errors import ProtocolMismatch, WorkspaceException, WorkspaceGone
from faena.server.lifetime import Activity
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


def look_first(
    folder: Callable[[], WorkspaceFolder], is_lost: Callable[[], bool]
) -> Callable[[ASGIApp], ASGIApp]:
    """Nothing is answered for a workspace that was moved or removed, or whose path another one has now."""

    def wrap(app: ASGIApp) -> ASGIApp:
        async def looked(scope: Scope, receive: Receive, send: Send) -> None:
            if is_lost():
                left = folder()
                raise WorkspaceGone(f"The workspace {left.name!r} is not in {left.path.parent} any more.")
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


def count_requests(counted_by: Callable[[], Activity]) -> Callable[[ASGIApp], ASGIApp]:
    def wrap(app: ASGIApp) -> ASGIApp:
        async def counted(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["path"].startswith("/nodes/"):
                await app(scope, receive, send)
                return
            activity = counted_by()
            activity.open += 1
            try:
                await app(scope, receive, send)
            finally:
                activity.open -= 1
                activity.quiet_since = activity.clock.monotonic()

        return counted

    return wrap


def refuse_what_is_damaged(asked: Callable[[], Database]) -> Callable[[ASGIApp], ASGIApp]:
    """Once damage was seen, no answer is given that may come from it; the server leaves within a second."""

    def wrap(app: ASGIApp) -> ASGIApp:
        async def refused(scope: Scope, receive: Receive, send: Send) -> None:
            if (damage := asked().damage) is not None:
                raise damage.with_traceback(None)
            await app(scope, receive, send)

        return refused

    return wrap


def tell_the_truth(catching_up: Callable[[], asyncio.Event]) -> Callable[[ASGIApp], ASGIApp]:
    """A new server answers about runs when it knows what ended in its absence; runners come first, to say so."""

    def wrap(app: ASGIApp) -> ASGIApp:
        async def told(scope: Scope, receive: Receive, send: Send) -> None:
            if not (caught_up := catching_up()).is_set() and scope["path"].startswith("/runs"):
                await caught_up.wait()
            await app(scope, receive, send)

        return told

    return wrap


def check_wire(app: ASGIApp) -> ASGIApp:
    """Refuse a client that speaks another wire version, naming both; one that says nothing is served."""
    header = settings.WIRE_HEADER.lower().encode()
    ours = str(settings.WIRE_VERSION).encode()

    async def checked(scope: Scope, receive: Receive, send: Send) -> None:
        theirs = dict(scope.get("headers", ())).get(header, ours)
        if theirs != ours:
            raise ProtocolMismatch(
                f"The client speaks wire version {theirs.decode('latin-1')[:20]}, this server (faena "
                f"{faena.__version__}) speaks {settings.WIRE_VERSION}. Use the same version of faena for both."
            )
        await app(scope, receive, send)

    return checked
