"""Which person asks a route: whoever is on the server's host, and asks by its socket, is none of them."""

from __future__ import annotations

from contextvars import ContextVar
from functools import partial
from typing import Any, cast

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.types import ASGIApp, Receive, Scope, Send

from faena.db.hiding import ASKER, Asker
from faena.kernel.errors import NotAllowed
from faena.kernel.rights import Right, right_of
from faena.people import sharing_store
from faena.people.model import Caller, Role

_STATE = "person"
CURRENT: ContextVar[Caller | None] = ContextVar("caller", default=None)
"""In whose name something is done, wherever that is: on the threads of the database, too."""


def set_caller(scope: Any, caller: Caller) -> None:
    scope.setdefault("state", {})[_STATE] = caller
    CURRENT.set(caller)
    sees_all = caller.role is Role.OWNER
    find = None if sees_all else partial(sharing_store.view_of, person=caller.person)
    ASKER.set(Asker(caller.person, find))


def caller_of(connection: ASGIConnection[Any, Any, Any, Any]) -> Caller | None:
    """None: no person, but who is on the server's host."""
    found: Caller | None = connection.scope.get("state", {}).get(_STATE)
    return found


def ask_right(app: ASGIApp) -> ASGIApp:
    """A layer in front of each route, which raises NotAllowed where a person asks who may not.

    No guard of the framework's: for those it copies the route's handler, at each request.
    """

    async def asked(scope: Scope, receive: Receive, send: Send) -> None:
        _ask(scope, right_of(cast("BaseRouteHandler", scope["route_handler"]).opt))
        await app(scope, receive, send)

    return asked


def ask_right_of(connection: ASGIConnection[Any, Any, Any, Any], asked: Right | None) -> None:
    """The same, for what one route does of several kinds. Raises NotAllowed."""
    _ask(connection.scope, asked)


def _ask(scope: Scope, asked: Right | None) -> None:
    caller: Caller | None = scope.get("state", {}).get(_STATE)
    if caller is None:
        return
    what = f"{scope.get('method')} {scope['path'][:200]}"
    if asked is None or asked is Right.HOST:
        raise NotAllowed(f"{what} is for who is on the server's host, not for people elsewhere.")
    if caller.role.right < asked:
        needed = next(role for role in Role if role.right >= asked)
        raise NotAllowed(
            f"{what} needs the role {needed}; {caller.person}'s token has {caller.role}. Ask an owner of the workspace."
        )


def ask_same(connection: ASGIConnection[Any, Any, Any, Any], person: str) -> None:
    """For what concerns a person, who may ask it, and whom owners may ask it for. Raises NotAllowed."""
    caller = caller_of(connection)
    if caller is not None and caller.person != person and caller.role is not Role.OWNER:
        raise NotAllowed(f"What concerns {person[:64]} is for {person[:64]} and for owners.")


def in_whose_name(told: str) -> str:
    """Of what was done elsewhere and is taken in here: as it tells, for owners and who is on the server's host.

    Whoever else takes it in does that in their own name: else they would keep what they like by the quota of others.
    """
    caller = CURRENT.get()
    return told if caller is None or caller.role is Role.OWNER else caller.person or told


def may_see(connection: ASGIConnection[Any, Any, Any, Any], person: str) -> bool:
    """Whether what concerns a person is to be shown: to themselves, and to owners."""
    caller = caller_of(connection)
    return caller is None or caller.role is Role.OWNER or caller.person == person
