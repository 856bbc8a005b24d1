"""HTTP of the page of who sees an experiment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.datastructures import State
from litestar.params import Parameter
from litestar.response import Redirect

from faena.db import Database, Read
from faena.kernel.clock import Clock
from faena.kernel.notifications import Notifications
from faena.kernel.rights import CONTRIBUTE, READ
from faena.people import service, sharing, store
from faena.people.callers import caller_of
from faena.people.model import Role
from faena.people.schemas import SharingChange
from faena.server.bodies import TypedRequest
from faena.server.pages import forms
from faena.server.pages.browser_rights import SHARING_ACTIONS
from faena.server.pages.rendering import page, render
from faena.workspaces.model import WorkspaceFolder

PATH = "/ui/sharing"


@get("/sharing", summary="Page: who sees an experiment, and who may change it", opt=READ)
async def show(
    experiment: Annotated[str, Parameter(max_length=255)],
    request: Request[Any, Any, State],
    database: Database,
    folder: WorkspaceFolder,
    done: str = "",
) -> Response[str]:
    caller = caller_of(request)

    def build(read: Read) -> str:
        found = sharing.show(read, experiment, caller)
        people = store.list_people(read)
        return render(
            "sharing.html",
            found=found,
            others=[each.name for each in people if each.name not in {found.owner, *found.people}],
            people=[each.name for each in people],
            owners=[each.name for each in people if each.role == Role.OWNER],
            roles=[Role.READER, Role.CONTRIBUTOR],
            done=forms.DONE.get(done, ""),
            workspace=folder.name,
            place=folder.path.parent,
            here="runs",
        )

    return page(await database.read(build))


@post(
    "/sharing/do/{action:str}",
    summary="Keep an experiment to oneself, or show it to all; share it with somebody; give it to somebody",
    request_max_body_size=forms.MOST_BYTES,
    opt=CONTRIBUTE,
)
async def do(
    action: str, request: TypedRequest, database: Database, clock: Clock, notifications: Notifications
) -> Redirect:
    caller = caller_of(request)
    fields = await forms.fields_of(request, action, SHARING_ACTIONS, "an experiment's rights")
    name, wanted = fields.get("experiment", ""), _asked(action, fields)
    await database.write(lambda write: sharing.change(write, name, wanted, caller, clock.now()))
    notifications.notify({service.TOPIC})
    return forms.go_on(PATH, action, experiment=name)


def _asked(action: str, fields: Mapping[str, str]) -> SharingChange:
    person = fields.get("person", "")
    match action:
        case "private" | "public":
            return SharingChange(private=action == "private")
        case "share":
            return SharingChange(add={person: fields.get("role", "")})
        case "unshare":
            return SharingChange(remove=[person])
        case _:
            return SharingChange(owner=person)


handlers = [show, do]
