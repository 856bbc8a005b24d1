"""Counts requests by route, and how long their answers took to begin."""

from __future__ import annotations

import time
from collections.abc import Callable

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from faena.kernel.exposition import Latencies
from faena.server.operation import logs

BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0)
"""Seconds."""
NOWHERE = "none"
"""The route of requests for what is not there, or that were refused before they had one."""
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


class Requests:
    """Labels are bounded: a route is a template of ours, never the path that somebody sent.

    Belongs to one event loop.
    """

    def __init__(self) -> None:
        self.counts: dict[tuple[str, str, int], int] = {}
        """By method, route and status."""
        self.latencies: dict[str, Latencies] = {}
        """By route: until the answer began, so that streams count as what they are."""
        self.open = 0
        self.ids = logs.RequestIds()

    def refused(self, method: str, status: int) -> None:
        """One that was answered before it had a route."""
        self._count(method, NOWHERE, status)

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        self._count(method, route, status)
        if (found := self.latencies.get(route)) is None:
            found = self.latencies[route] = Latencies(BOUNDS)
        found.add(seconds)

    def _count(self, method: str, route: str, status: int) -> None:
        key = (method if method in _METHODS else "other", route, status)
        self.counts[key] = self.counts.get(key, 0) + 1


def _route(scope: Scope) -> str:
    return scope.get("path_template") or NOWHERE


def counting(found: Callable[[], Requests]) -> Callable[[ASGIApp], ASGIApp]:
    """A layer around all of an application."""

    def wrap(app: ASGIApp) -> ASGIApp:
        async def counted(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != ScopeType.HTTP:
                await app(scope, receive, send)
                return
            requests, began = found(), time.perf_counter()
            request_id, status = requests.ids.of(scope["headers"]), 0

            async def told(message: Message) -> None:
                nonlocal status
                if message["type"] == "http.response.start":
                    status = int(message["status"])
                    seconds = time.perf_counter() - began
                    requests.answered(str(scope["method"]), _route(scope), status, seconds)
                    message["headers"] = [*message.get("headers", ()), (logs.REQUEST_ID, request_id)]
                await send(message)

            requests.open += 1
            try:
                await app(scope, receive, told)
            finally:
                requests.open -= 1
                if logs.are_told():
                    caller = scope.get("state", {}).get("person")
                    person = "" if caller is None else str(caller.person)
                    seconds = time.perf_counter() - began
                    method = str(scope["method"])
                    shown = method if method in _METHODS else "other"
                    logs.tell(shown, _route(scope), status, seconds, request_id, person)

        return counted

    return wrap
