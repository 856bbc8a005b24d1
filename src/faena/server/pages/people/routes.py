"""HTTP of the pages about people."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.datastructures import State
from litestar.params import Parameter
from litestar.response import Redirect

from faena.db import Database, Read
from faena.kernel.clock import Clock
from faena.kernel.notifications import Notifications
from faena.kernel.rights import OWN, READ, Right
from faena.people import service
from faena.people.callers import ask_right_of, ask_same, caller_of
from faena.people.model import Role
from faena.server.bodies import TypedRequest
from faena.server.pages import forms
from faena.server.pages.browser_rights import PEOPLE_ACTIONS
from faena.server.pages.people import page as people_page
from faena.server.pages.rendering import page, render
from faena.workspaces.model import WorkspaceFolder

Name = Annotated[str, Parameter(max_length=64)]


@get("/people", summary="Page: who may do what, and somebody's tokens", opt=READ)
async def people(
    request: Request[Any, Any, State],
    database: Database,
    clock: Clock,
    folder: WorkspaceFolder,
    of: Name = "",
    done: str = "",
) -> Response[str]:
    """`of`: whose tokens are shown, by themselves those of whoever looks."""
    caller = caller_of(request)
    of = of or ("" if caller is None else caller.person)
    if of:
        ask_same(request, of)

    def build(read: Read) -> str:
        found = people_page.people(read, of, clock.now())
        return render(
            "people.html",
            found=found,
            roles=list(Role),
            done=forms.DONE.get(done, ""),
            **_around(folder, "people"),
        )

    return page(await database.read(build))


@post(
    "/people/do/{action:str}",
    summary="Let somebody in or out, give them a role; revoke a token",
    request_max_body_size=forms.MOST_BYTES,
    opt=READ,
)
async def do(
    action: str, request: TypedRequest, database: Database, clock: Clock, notifications: Notifications
) -> Redirect:
    fields = await forms.fields_of(request, action, PEOPLE_ACTIONS, "people")
    name, now = fields.get("name", "").strip(), clock.now()
    if action == "revoke":
        ask_same(request, name)
        await database.write(lambda write: service.revoke(write, name, fields.get("token", ""), now))
    else:
        ask_right_of(request, Right.OWN)
        if action == "remove":
            await database.write(lambda write: service.remove(write, name, now))
        else:
            await database.write(lambda write: service.put(write, name, fields.get("role", ""), now))
    notifications.notify({service.TOPIC})
    return forms.go_on(people_page.PATH, action, of="" if action == "remove" else name)


@get("/audit", summary="Page: who changed what, the latest first", opt=OWN)
async def audit(
    database: Database,
    folder: WorkspaceFolder,
    person: Name = "",
    before: Annotated[int | None, Parameter(ge=0, le=2**31 - 1)] = None,
) -> Response[str]:
    # behind what writes: the rows of requests that were answered before are there
    found = await database.write(lambda write: people_page.audit(write, person, before))
    return page(render("audit.html", found=found, **_around(folder, "people")))


def _around(folder: WorkspaceFolder, here: str) -> dict[str, object]:
    return {"workspace": folder.name, "place": folder.path.parent, "here": here}


handlers = [people, do, audit]
