"""HTTP of nodes elsewhere: where they are listened for, who has joined, joining, and their beats."""

from __future__ import annotations

import asyncio
from typing import Any

from litestar import Request, delete, get, post
from litestar.datastructures import State

import faena
from faena.attempts.records import ORDERS
from faena.compute.leases import Leases
from faena.compute.machines import service, showing, store
from faena.compute.machines.removed import Removed, RemovedMachines
from faena.compute.machines.schemas import (
    Beat,
    BeatAnswer,
    Joined,
    JoinedWorkspace,
    JoinRequest,
    JoinTokenRequest,
    JoinTokenView,
    LeaseView,
    Leaving,
    ListenerRequest,
    ListenerView,
    MachineView,
)
from faena.db import Database, Write
from faena.endpoints import places
from faena.kernel.clock import Clock
from faena.kernel.errors import AuthenticationException
from faena.kernel.notifications import Notifications
from faena.kernel.rights import HOST, OWN, READ
from faena.kernel.routing import Router
from faena.runs.engine import elsewhere
from faena.runs.engine.scheduling import work_topic
from faena.server.node_listener.authentication import CALLER, Caller
from faena.server.node_listener.listener import NodeListener
from faena.workspaces.model import WorkspaceFolder


@post(
    "/listener",
    status_code=200,
    summary="Listen for nodes of other machines at an address of this host",
    opt=OWN,
)
async def open_listener(
    data: ListenerRequest, node_listener: NodeListener, request: Request[None, None, State]
) -> ListenerView:
    _refuse_elsewhere(request)
    return await node_listener.open(request.app, data)


@delete("/listener", summary="Listen for nodes no more", opt=OWN)
async def close_listener(node_listener: NodeListener, request: Request[None, None, State]) -> None:
    _refuse_elsewhere(request)
    await node_listener.close()


@post("/tokens", summary="A token by which machines join a cluster", opt=OWN)
async def new_token(
    data: JoinTokenRequest, node_listener: NodeListener, database: Database, clock: Clock
) -> JoinTokenView:
    at = await node_listener.opened()
    return await database.write(
        lambda write: service.new_join_token(write, data, at.url, at.fingerprint, clock.now())
    )


@get("/", summary="Machines that have joined, by cluster and name", opt=READ)
async def list_machines(database: Database, leases: Leases) -> list[MachineView]:
    return await database.read(lambda read: showing.views(read, leases, places.by_machine(read)))


@post("/machines/{name:str}/drain", status_code=204, summary="Have a machine get no more work", opt=OWN)
async def drain(
    name: str, database: Database, clock: Clock, notifications: Notifications, cluster: str | None = None
) -> None:
    node = await database.write(lambda write: service.drain(write, name, cluster, clock.now()))
    if node:
        notifications.notify({work_topic(node)})


@delete("/machines/{name:str}", summary="Forget a machine and its token", opt=OWN)
async def remove(
    name: str,
    database: Database,
    clock: Clock,
    leases: Leases,
    notifications: Notifications,
    folder: WorkspaceFolder,
    cluster: str | None = None,
) -> None:
    gone = await database.write(lambda write: service.remove(write, name, cluster, clock.now()))
    removed = Removed(gone.token, gone.name, gone.cluster, clock.now())
    await asyncio.to_thread(RemovedMachines(folder.nodes).add, removed)
    if gone.node:
        leases.forget(gone.node)
        notifications.notify({work_topic(gone.node)})


@post("/join", summary="A runner on another machine becomes a node", opt=HOST)
async def join(
    data: JoinRequest,
    request: Request[None, None, State],
    database: Database,
    clock: Clock,
    leases: Leases,
    folder: WorkspaceFolder,
    notifications: Notifications,
) -> Joined:
    caller = request.scope["state"].get(CALLER)
    if not isinstance(caller, Caller):
        raise AuthenticationException(
            "Machines join at the address that `faena node open` prints, with a token of `faena node token CLUSTER`."
        )
    service.refuse_other(data, faena.__version__, ORDERS)
    now, removed = clock.now(), RemovedMachines(folder.nodes)

    def welcome(write: Write) -> tuple[service.Welcome, elsewhere.Left]:
        made = service.join(
            write, data, caller.token, caller.address, now, leases, caller.fingerprint, removed.why
        )
        return made, elsewhere.take_stock(write, made.machine.id, data.open, now)

    made, left = await database.write(welcome)
    if made.before:
        leases.forget(made.before)
        notifications.notify({work_topic(made.before)})
    leases.hear(made.node.id)
    terms = leases.terms
    return Joined(
        made.node.id,
        made.token,
        JoinedWorkspace(folder.id, folder.name),
        LeaseView(terms.beat, terms.fence, terms.lost),
        left.adopt,
        left.forget,
    )


@post("/{node:str}/beat", status_code=200, summary="A node lives", opt=HOST)
async def beat(node: str, data: Beat, database: Database, leases: Leases) -> BeatAnswer:
    terms = leases.terms
    if not leases.is_known(node):
        known = await database.read_first(lambda read: store.by_node(read, node))
        if known is None or not await database.read_first(lambda read: elsewhere.is_node(read, node)):
            return BeatAnswer(terms.beat, terms.fence, lost=True)
    leases.hear(node)
    return BeatAnswer(terms.beat, terms.fence, endpoints=leases.is_called(node))


@post(
    "/{node:str}/leave",
    status_code=204,
    summary="A node's runner ends in good order: it wants no more work",
    opt=HOST,
)
async def leave(
    node: str, data: Leaving, database: Database, clock: Clock, leases: Leases, notifications: Notifications
) -> None:
    await database.write(lambda write: elsewhere.leave(write, node, clock.now(), done=data.done))
    if data.done:
        leases.forget(node)


def _refuse_elsewhere(request: Request[Any, Any, State]) -> None:
    if request.scope["state"].get("by_gateway"):
        raise AuthenticationException("Where nodes are listened for is said on the server's own host.")


router = Router(
    "/nodes",
    route_handlers=[
        open_listener,
        close_listener,
        new_token,
        list_machines,
        drain,
        remove,
        join,
        beat,
        leave,
    ],
    tags=["nodes"],
)
