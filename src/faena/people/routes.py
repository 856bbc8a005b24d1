"""HTTP of people and their tokens."""

from __future__ import annotations

from typing import Any

from litestar import Request, delete, get, patch, post, put
from litestar.datastructures import State

from faena.db import Database
from faena.kernel.clock import Clock
from faena.kernel.notifications import Notifications
from faena.kernel.rights import CONTRIBUTE, OWN, READ
from faena.kernel.routing import Router
from faena.people import service, sharing, store
from faena.people.callers import ask_same, caller_of
from faena.people.model import Role, lesser, role_of
from faena.people.schemas import (
    AuditEntry,
    Me,
    PersonIn,
    PersonView,
    Sharing,
    SharingChange,
    TokenIn,
    TokenView,
)
from faena.workspaces.model import WorkspaceFolder

_MOST_ENTRIES = 1000


@get("/me", summary="Who asks, and what they may", opt=READ)
async def show_me(request: Request[None, None, State], folder: WorkspaceFolder) -> Me:
    caller = caller_of(request)
    if caller is None:
        return Me("", Role.OWNER, folder.name)
    return Me(caller.person, caller.role, folder.name)


@get("/people", summary="Who may do what", opt=READ)
async def list_people(database: Database) -> list[PersonView]:
    return await database.read(store.list_people)


@put("/people/{name:str}", status_code=204, summary="Let somebody in, or change their role", opt=OWN)
async def put_person(
    name: str, data: PersonIn, database: Database, clock: Clock, notifications: Notifications
) -> None:
    await database.write(lambda write: service.put(write, name, data.role, clock.now()))
    notifications.notify({service.TOPIC})  # before the answer: then it is so


@delete("/people/{name:str}", summary="Let somebody in no more: their tokens end", opt=OWN)
async def remove_person(name: str, database: Database, clock: Clock, notifications: Notifications) -> None:
    await database.write(lambda write: service.remove(write, name, clock.now()))
    notifications.notify({service.TOPIC})


@get("/people/{name:str}/tokens", summary="Somebody's tokens, without themselves", opt=READ)
async def list_tokens(name: str, request: Request[None, None, State], database: Database) -> list[TokenView]:
    ask_same(request, name)
    return await database.read(lambda read: store.list_tokens(read, name))


@post("/people/{name:str}/tokens", summary="A new token, which is told this once", opt=READ)
async def new_token(
    name: str,
    data: TokenIn,
    request: Request[Any, Any, State],
    database: Database,
    clock: Clock,
    fingerprint: str,
) -> TokenView:
    ask_same(request, name)
    caller = caller_of(request)
    if caller is not None and caller.person == name:
        # no more than the one that it is made with
        most = lesser(role_of(data.role), caller.role) if data.role else caller.role
        data = TokenIn(data.label, data.days, most)
    return await database.write(lambda write: service.new(write, name, data, fingerprint, clock.now()))


@delete("/people/{name:str}/tokens/{token_id:str}", summary="Revoke a token", opt=READ)
async def revoke_token(
    name: str,
    token_id: str,
    request: Request[None, None, State],
    database: Database,
    clock: Clock,
    notifications: Notifications,
) -> None:
    ask_same(request, name)
    await database.write(lambda write: service.revoke(write, name, token_id, clock.now()))
    notifications.notify({service.TOPIC})


@get("/audit-log", summary="Who did what, the latest first", opt=OWN)
async def list_entries(
    database: Database, person: str | None = None, before: int | None = None, most: int = 100
) -> list[AuditEntry]:
    """`before`: the `number` of the last one of the page before."""
    limit = max(1, min(most, _MOST_ENTRIES))
    # behind what writes: the rows of requests that were answered before are there
    return await database.write(lambda write: store.list_entries(write, person, before, limit))


@get("/experiments/sharing", summary="Who sees an experiment, and who may change it", opt=READ)
async def show_sharing(name: str, request: Request[None, None, State], database: Database) -> Sharing:
    caller = caller_of(request)
    return await database.read(lambda read: sharing.show(read, name, caller))


@patch("/experiments/sharing", summary="Keep an experiment to oneself; share it with some", opt=CONTRIBUTE)
async def share(
    name: str,
    data: SharingChange,
    request: Request[Any, Any, State],
    database: Database,
    clock: Clock,
    notifications: Notifications,
) -> Sharing:
    caller = caller_of(request)
    made = await database.write(lambda write: sharing.change(write, name, data, caller, clock.now()))
    notifications.notify({service.TOPIC})
    return made


router = Router(
    "/",
    route_handlers=[
        show_me,
        list_people,
        put_person,
        remove_person,
        list_tokens,
        new_token,
        revoke_token,
        list_entries,
        show_sharing,
        share,
    ],
    tags=["people"],
)
