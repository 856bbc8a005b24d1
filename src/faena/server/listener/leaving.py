"""What a server that leaves says to those whose answers are not ready: they ask the next one."""

from __future__ import annotations

import asyncio

import msgspec
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from faena.kernel.errors import WorkspaceGone
from faena.kernel.settings import WIRE_HEADER
from faena.server.errors import ErrorBody

_SAID = "The server leaves before it has an answer. Ask the next one."
_OURS = WorkspaceGone.status, msgspec.json.encode(ErrorBody(WorkspaceGone.__name__, _SAID))
_OTHERS = 503, msgspec.json.encode({"error_code": "TEMPORARILY_UNAVAILABLE", "message": _SAID})
"""MLflow's clients, and most others, ask nobody again who says 421."""
_WIRE = WIRE_HEADER.lower().encode()


def sent_on(app: ASGIApp) -> ASGIApp:
    """uvicorn cancels requests that are in its way when it leaves, such as those of nodes that wait for work.

    Left to it, they are answered 500, which no client takes for a reason to ask again.
    """

    async def answered(scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def told(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await app(scope, receive, told)
        except asyncio.CancelledError:
            if begun or scope["type"] != ScopeType.HTTP:
                raise
            status, body = _OURS if any(name == _WIRE for name, _ in scope["headers"]) else _OTHERS
            headers = [
                (b"content-type", b"application/json"),
                (b"content-length", str(len(body)).encode()),
                (b"connection", b"close"),
            ]
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": body, "more_body": False})

    return answered
