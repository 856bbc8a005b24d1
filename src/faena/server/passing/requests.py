"""Which requests go to the process that leads, and what becomes of them while there is none."""

from __future__ import annotations

import asyncio
import hmac
import time
from collections.abc import Awaitable, Callable
from functools import cache
from typing import Any, Protocol, cast

from litestar.enums import ScopeType
from litestar.handlers import BaseRouteHandler
from litestar.types import ASGIApp, HTTPScope, Receive, Scope, Send

from faena.db.leading import Place
from faena.kernel.errors import WorkspaceGone
from faena.server.passing.connections import HEADER, NotPassed, Passing

IN_ITS_MEMORY = frozenset(
    {
        *("backups", "builds", "collector", "current", "far", "gateway", "leases", "limits", "machines"),
        *(
            "node_listener",
            "notice_keeper",
            "notice_targets",
            "ray_keeper",
            "reach",
            "secrets",
            "services",
            "tries",
        ),
    }
)
"""What routes are given that only the process which leads has whole: leases of nodes, fronts of endpoints, builds …"""
SENT_ON = "sent_on"
"""Where the state of a request says that the process which leads answers it, and notes what is to be noted."""
_RECEIVED = "received_on"
"""Where it says that another process sent it on."""
_PATIENCE_S = 15.0
"""Seconds that a request waits for somebody to lead: more than it takes the next one to."""
_LOOK_S = 0.1
_REPEATABLE = ("GET", "HEAD")


class Led(Protocol):
    """What is asked of a seat."""

    @property
    def leads(self) -> bool: ...

    async def place(self) -> Place | None: ...


@cache
def needs_leader(handler: BaseRouteHandler) -> bool:
    """Whether a route is given what only the process that leads has, itself or by what it depends on."""
    known = handler.resolve_dependencies()
    pending, seen = list(handler.parsed_fn_signature.parameters), set[str]()
    while pending:
        name = pending.pop()
        if name in IN_ITS_MEMORY:
            return True
        if name in known and name not in seen:
            seen.add(name)
            pending += known[name].parsed_fn_signature.parameters
    return False


def pass_on(led_by: Callable[[], Led | None]) -> Callable[[ASGIApp], ASGIApp]:
    """`led_by`: None where this is the only process."""
    passing = Passing()

    def wrap(app: ASGIApp) -> ASGIApp:
        async def passed(scope: Scope, receive: Receive, send: Send) -> None:
            seat = led_by()
            if seat is None or seat.leads or not needs_leader(scope["route_handler"]):
                await app(scope, receive, send)
                return
            asked = cast("HTTPScope", scope)
            if asked.get("state", {}).get(_RECEIVED):
                raise WorkspaceGone("This process leads no more. Ask again.")
            await _until_led(seat, passing, asked, receive, send, lambda: app(scope, receive, send))

        return passed

    return wrap


async def _until_led(
    seat: Led,
    passing: Passing,
    scope: HTTPScope,
    receive: Receive,
    send: Send,
    here: Callable[[], Awaitable[None]],
) -> None:
    until, why = time.monotonic() + _PATIENCE_S, "nobody leads"
    while time.monotonic() < until:
        if seat.leads:
            await here()
            return
        if (place := await seat.place()) is not None:
            try:
                scope.setdefault("state", {})[SENT_ON] = True
                await passing.ask(place, scope, receive, send)
                return
            except NotPassed as error:
                why = str(error)
                scope["state"][SENT_ON] = False
                if error.may_be_done and scope["method"] not in _REPEATABLE:
                    break
        await asyncio.sleep(_LOOK_S)
    raise WorkspaceGone(f"The process that leads did not answer ({why}). Ask again.")


def received(app: ASGIApp, key: str) -> ASGIApp:
    """In front of the process that leads: what another sent on comes from the address that it says.

    `key`: by which it is known to be one of this server's. Whatever else says so is not sent on once more.
    """

    async def told(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.HTTP:
            for name, value in scope["headers"]:
                shown, _, address = value.partition(b" ")
                if name == HEADER:
                    state: dict[str, Any] = scope.setdefault("state", {})
                    state[_RECEIVED] = True
                    if hmac.compare_digest(shown, key.encode()):
                        scope["client"] = address.decode("latin-1"), 0
        await app(scope, receive, send)

    return told
