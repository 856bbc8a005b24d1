"""HTTP of the door, at the workspace's socket."""

from __future__ import annotations

from litestar import Request, Router, delete, post
from litestar.datastructures import State

from faena.kernel.errors import AuthenticationException
from faena.server.door.door import Door
from faena.workspaces.schemas import DoorRequest, DoorView


@post("/", status_code=200, summary="Open the door to browsers, and give an address that signs one in")
async def open_door(data: DoorRequest, door: Door, request: Request[None, None, State]) -> DoorView:
    """Refused to who came in by the door: a session must not be able to make others that outlive it."""
    if request.scope["state"].get("by_door"):
        raise AuthenticationException("Sign-in links are made by `faena ui` on the workspace's own host.")
    return await door.open(request.app, data)


@delete("/", summary="Close the door to browsers; all are signed out")
async def close_door(door: Door, request: Request[None, None, State]) -> None:
    if request.scope["state"].get("by_door"):
        raise AuthenticationException("The door is closed by `faena ui --close` on the workspace's own host.")
    await door.close()


router = Router("/door", route_handlers=[open_door, close_door], tags=["server"])
