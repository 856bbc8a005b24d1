"""The page on which somebody lets a program in that they started: `faena login --browser`."""

from __future__ import annotations

import asyncio
from typing import Any

from litestar import Request, Response, get, post
from litestar.datastructures import State
from litestar.response import Redirect

from faena.db import Database
from faena.kernel.clock import Clock
from faena.kernel.errors import NotAllowed
from faena.kernel.notifications import Notifications
from faena.kernel.rights import READ
from faena.people import program_login, service
from faena.people.callers import caller_of
from faena.people.model import Caller
from faena.server.bodies import TypedRequest
from faena.server.pages import forms
from faena.server.pages.people import page as people_page
from faena.server.pages.rendering import page, render, with_query
from faena.workspaces.model import WorkspaceFolder


@get("/log-in", summary="Page: let a program in that you started", opt=READ)
async def log_in(
    request: Request[Any, Any, State],
    clock: Clock,
    folder: WorkspaceFolder,
    fingerprint: str,
    digest: str = "",
    program: str = "",
    server: str = "",
    until: str = "",
) -> Response[str]:
    """The address is made by `faena login --browser`, and good for ten minutes."""
    caller = _person(request)
    given = {"digest": digest, "program": program, "server": server, "until": until}
    asked = program_login.read(given, fingerprint, clock.now())
    again = ""
    if not program_login.is_fresh(caller, clock.now()):
        again = with_query("/sign-in", {"again": "1", "to": program_login.address("", asked)})
    return page(
        render(
            "log_in.html",
            asked=asked,
            again=again,
            days=int(program_login.DAYS),
            workspace=folder.name,
            place=folder.path.parent,
            here="people",
        )
    )


@post(
    "/log-in",
    summary="Let a program in that you started",
    request_max_body_size=forms.MOST_BYTES,
    opt=READ,
)
async def let_in(
    request: TypedRequest,
    database: Database,
    clock: Clock,
    notifications: Notifications,
    fingerprint: str,
) -> Redirect:
    caller, fields, now = _person(request), await forms.fields(request), clock.now()
    asked = program_login.read(fields, fingerprint, now)
    if not program_login.is_fresh(caller, now):
        raise NotAllowed(
            "You signed in more than 10 minutes ago. Load the page again, and sign in once more."
        )
    wanted = await asyncio.to_thread(program_login.token_of, asked, fields.get("code", ""), caller)
    await database.write(lambda write: service.keep(write, caller.person, wanted, asked.digest, now))
    notifications.notify({service.TOPIC})
    return forms.go_on(people_page.PATH, "log-in")


def _person(request: Request[Any, Any, State]) -> Caller:
    caller = caller_of(request)
    if caller is None:
        raise NotAllowed(
            "Who is on the server's own host needs no token: run faena in the workspace's folder."
        )
    return caller


handlers = [log_in, let_in]
