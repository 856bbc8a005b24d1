"""HTTP of the gateway, at the workspace's socket."""

from __future__ import annotations

from litestar import Request, delete, post
from litestar.datastructures import State

from faena.db import Database
from faena.kernel.clock import Clock
from faena.kernel.errors import AuthenticationException, Conflict
from faena.kernel.rights import HOST
from faena.kernel.routing import Router
from faena.mlflow import callers
from faena.mlflow.errors import MlflowError
from faena.mlflow.run_tokens import RunOfToken
from faena.server.gateway.gateway import Gateway
from faena.workspaces.schemas import GatewayRequest, GatewayView, RunGatewayRequest, RunGatewayView


@post(
    "/",
    status_code=200,
    summary="Open the gateway to browsers, and give an address that signs one in",
    opt=HOST,
)
async def open_gateway(
    data: GatewayRequest, gateway: Gateway, request: Request[None, None, State]
) -> GatewayView:
    """Refused to who came in by the gateway: a session must not be able to make others that outlive it."""
    if request.scope["state"].get("by_gateway"):
        raise AuthenticationException("Sign-in links are made by `faena ui` on the workspace's own host.")
    return await gateway.open(request.app, data)


@delete("/", summary="Close the gateway to browsers; all are signed out", opt=HOST)
async def close_gateway(gateway: Gateway, request: Request[None, None, State]) -> None:
    if request.scope["state"].get("by_gateway"):
        raise AuthenticationException(
            "The gateway is closed by `faena ui --close` on the workspace's own host."
        )
    await gateway.close()


@post(
    "/runs", status_code=200, summary="Open the gateway to the script of a run, which speaks MLflow", opt=HOST
)
async def open_to_run(
    data: RunGatewayRequest,
    gateway: Gateway,
    database: Database,
    clock: Clock,
    request: Request[None, None, State],
) -> RunGatewayView:
    """Asked by its runner. Refused to who came in by the gateway, and for an attempt that is over."""
    if request.scope["state"].get("by_gateway"):
        raise AuthenticationException(
            "Tokens of runs are given to their runners on the workspace's own host."
        )
    run = RunOfToken(data.run_id, data.attempt)
    number = await _number_of_experiment(database, clock, run)
    url, token = await gateway.open_to_run(request.app, run)
    return RunGatewayView(url, token, number)


@post(
    "/runs/{run_id:str}/{attempt:int}/{rank:int}",
    status_code=200,
    summary="What the script of a run on another machine speaks MLflow with, by way of its node",
    opt=HOST,
)
async def token_elsewhere(
    run_id: str, attempt: int, rank: int, gateway: Gateway, database: Database, clock: Clock
) -> RunGatewayView:
    """Asked by its runner, with the attempt's token. Refused for an attempt that is over."""
    run = RunOfToken(run_id, attempt)
    number = await _number_of_experiment(database, clock, run)
    return RunGatewayView("", await gateway.token_of(run), number)


async def _number_of_experiment(database: Database, clock: Clock, run: RunOfToken) -> str:
    now = clock.now()
    try:
        caller = await database.read(lambda read: callers.of_token(read, run, now))
    except MlflowError as error:
        raise Conflict(error.message) from error
    return str(caller.experiment.id)


router = Router(
    "/door",
    route_handlers=[open_gateway, close_gateway, open_to_run, token_elsewhere],
    tags=["server"],
)
