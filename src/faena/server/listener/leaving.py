"""What a server that leaves says to those whose answers are not ready: they ask the next one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

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
_LOOK_S = 0.05


@dataclass(slots=True)
class _Open:
    asks_to_wait: bool
    streams: bool = False
    """Its answer has begun, and nobody knows how long it is."""


class OpenRequests:
    """Those that one listener answers just now. Belongs to one event loop."""

    def __init__(self) -> None:
        self._open: dict[asyncio.Task[Any], _Open] = {}

    def begun(self, scope: Scope) -> Callable[[Message], None]:
        """By the task that answers. What is returned is told of each message of the answer."""
        task = asyncio.current_task()
        assert task is not None
        known = self._open[task] = _Open(b"wait=" in scope.get("query_string", b""))

        def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                known.streams = all(name.lower() != b"content-length" for name, _ in message["headers"])

        return told

    def ended(self) -> None:
        if (task := asyncio.current_task()) is not None:
            self._open.pop(task, None)

    async def finish(self, seconds: float) -> None:
        """End what waits for news and streams, which would not end by themselves; wait for all others, for so long."""
        for task, known in list(self._open.items()):
            if known.asks_to_wait or known.streams:
                task.cancel()
        until = asyncio.get_running_loop().time() + seconds
        while self._open and asyncio.get_running_loop().time() < until:
            await asyncio.sleep(_LOOK_S)


def sent_on(app: ASGIApp, requests: OpenRequests | None = None) -> ASGIApp:
    """uvicorn cancels requests that are in its way when it leaves, such as those of nodes that wait for work.

    Left to it, they are answered 500, which no client takes for a reason to ask again. `requests` keeps count of them.
    """

    async def answered(scope: Scope, receive: Receive, send: Send) -> None:
        begun = False
        tell = requests.begun(scope) if requests is not None and scope["type"] == ScopeType.HTTP else None

        async def told(message: Message) -> None:
            nonlocal begun
            if not begun and tell is not None:
                tell(message)
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
        finally:
            if requests is not None:
                requests.ended()

    return answered
