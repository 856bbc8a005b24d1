"""HTTP of clusters on Ray: attach one; what its bridge asks, and the file of the runner that it starts."""

from __future__ import annotations

import asyncio

from litestar import Response, get, post, put

from faena.compute import service
from faena.compute.backends.ray.keeper import RayKeeper
from faena.compute.backends.ray.runner_file import runner_file
from faena.compute.backends.ray.schemas import AttachRequest, BridgeReport, Wanted
from faena.compute.schemas import ClusterView
from faena.db import Database
from faena.kernel.rights import HOST, OWN
from faena.kernel.routing import Router


@put("/{name:str}", status_code=200, summary="Attach a Ray cluster, or change how it is attached", opt=OWN)
async def attach(name: str, data: AttachRequest, ray_keeper: RayKeeper, database: Database) -> ClusterView:
    await ray_keeper.attach(name, data)
    return await database.read(lambda read: service.view(read, service.get(read, name)))


@post(
    "/{name:str}/check",
    status_code=204,
    summary="Whether a Ray cluster could be attached so, were it there",
    opt=OWN,
)
async def check(name: str, data: AttachRequest, ray_keeper: RayKeeper) -> None:
    await ray_keeper.check(name, data)


@post("/{name:str}/gangs", status_code=200, summary="What the bridge of a Ray cluster is to start", opt=HOST)
async def gangs(name: str, data: BridgeReport, ray_keeper: RayKeeper) -> Wanted:
    return await ray_keeper.answer(name, data)


@get("/runner.zip", summary="The runner, as a file that Python runs", media_type="application/zip", opt=HOST)
async def runner() -> Response[bytes]:
    made = await asyncio.to_thread(runner_file)
    return Response(made.data, media_type="application/zip", headers={"ETag": f'"{made.digest}"'})


routers = [
    Router("/ray", route_handlers=[attach, check, gangs], tags=["ray"]),
    Router("/", route_handlers=[runner], tags=["ray"]),
]
