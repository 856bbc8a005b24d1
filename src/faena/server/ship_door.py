"""Batches of nodes elsewhere go past the framework, whose layers took more of the event loop than all else they need.

Two hundred runs that log bring forty of them a second, and whoever looks at a page waits for the same event loop.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from litestar import Request

from faena.kernel.batches import LONGEST_LIST
from faena.kernel.errors import UserErrorException
from faena.runs.engine import shipping
from faena.runs.engine.batches import Rank
from faena.runs.engine.services import RunnerServices
from faena.server.listener.large_body import size_of
from faena.server.mlflow_door import OF_NODE
from faena.server.pages.failures import Answer
from faena.server.passing.requests import Led

if TYPE_CHECKING:
    from litestar.types import ASGIApp, HTTPScope, Receive, Scope, Send

_PATH = re.compile(r"/attempts/([^/]+)/([0-9]{1,9})/([0-9]{1,9})/ship", re.ASCII)
_TEMPLATE = "/attempts/{run_id}/{attempt}/{rank}/ship"
"""As the route is counted by."""


class ShipDoor:
    """Gives the application for a batch that a node elsewhere sends; None for all else, or where another process leads.

    `layers`: what happens to each before, outermost first. `answers`: of errors, by their classes.
    """

    def __init__(
        self,
        services: Callable[[], RunnerServices],
        led: Callable[[], Led | None],
        layers: Sequence[Callable[[ASGIApp], ASGIApp]],
        answers: dict[type[Exception], Answer],
    ) -> None:
        self._services = services
        self._led = led
        self._answers = answers
        app: ASGIApp = self._take
        for layer in reversed(layers):
            app = layer(app)
        self._app = app

    def __call__(self, scope: HTTPScope) -> ASGIApp | None:
        if scope["method"] != "POST" or not scope["path"].endswith("/ship"):
            return None
        if not scope.get("state", {}).get(OF_NODE) or scope["query_string"]:
            return None
        size = size_of(scope["headers"])  # type: ignore[arg-type]  # uvicorn gives a list
        if not 0 < size <= LONGEST_LIST or not _PATH.fullmatch(scope["path"]):
            return None
        seat = self._led()
        return self._answer if seat is None or seat.leads else None

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["path_template"] = _TEMPLATE  # for who counts requests
        try:
            await self._app(scope, receive, send)
        except Exception as error:  # noqa: BLE001  told as the framework tells it
            kind = next(each for each in type(error).__mro__ if each in self._answers)
            request: Request[Any, Any, Any] = Request(scope, receive, send)
            response = self._answers[kind](request, error).to_asgi_response(None, request)
            await response(scope, receive, send)

    async def _take(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = _PATH.fullmatch(scope["path"])
        assert found is not None
        key = Rank(found[1], int(found[2]), int(found[3]))
        told = await shipping.take(
            key, await _whole(receive), self._services(), scope["state"].get(shipping.PACE, 0.0)
        )
        body = msgspec.json.encode(told)
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})


async def _whole(receive: Receive) -> bytes:
    """No longer than it was said to be, as the parser sees to. Raises UserErrorException where not all of it comes."""
    parts = []
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise UserErrorException("The request's body did not come to its end.")
        parts.append(message["body"])
        if not message["more_body"]:
            return b"".join(parts)
