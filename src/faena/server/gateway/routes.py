"""HTTP of the gateway, at the workspace's socket."""

from __future__ import annotations

from litestar import Request, delete, post
from litestar.datastructures import State

from faena.kernel.errors import AuthenticationException
from faena.kernel.routing import Router
from faena.server.gateway.gateway import Gateway
from faena.workspaces.schemas import GatewayRequest, GatewayView


@post("/", status_code=200, summary="Open the gateway to browsers, and give an address that signs one in")
async def open_gateway(
    data: GatewayRequest, gateway: Gateway, request: Request[None, None, State]
) -> GatewayView:
    """Refused to who came in by the gateway: a session must not be able to make others that outlive it."""
    if request.scope["state"].get("by_gateway"):
        raise AuthenticationException("Sign-in links are made by `faena ui` on the workspace's own host.")
    return await gateway.open(request.app, data)


@delete("/", summary="Close the gateway to browsers; all are signed out")
async def close_gateway(gateway: Gateway, request: Request[None, None, State]) -> None:
    if request.scope["state"].get("by_gateway"):
        raise AuthenticationException(
            "The gateway is closed by `faena ui --close` on the workspace's own host."
        )
    await gateway.close()


router = Router("/door", route_handlers=[open_gateway, close_gateway], tags=["server"])
