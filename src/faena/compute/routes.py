"""HTTP of clusters."""

from __future__ import annotations

from litestar import delete, get, patch, put

from faena.compute import service, store
from faena.compute.schemas import ClusterRequest, ClusterView
from faena.db import Database
from faena.kernel.clock import Clock
from faena.kernel.rights import CONTRIBUTE, OWN, READ
from faena.kernel.routing import Router


@get("/", summary="All clusters", opt=READ)
async def list_clusters(database: Database) -> list[ClusterView]:
    return await database.read(
        lambda read: [service.view(read, cluster) for cluster in store.list_clusters(read)]
    )


@put(
    "/{name:str}", status_code=200, summary="Create a cluster; the same again changes nothing", opt=CONTRIBUTE
)
async def create_cluster(name: str, data: ClusterRequest, database: Database, clock: Clock) -> ClusterView:
    return await database.write(lambda write: service.create(write, name, data, clock.now()))


@patch("/{name:str}", summary="Change a cluster's limits", opt=CONTRIBUTE)
async def update_cluster(name: str, data: ClusterRequest, database: Database, clock: Clock) -> ClusterView:
    return await database.write(lambda write: service.update(write, name, data, clock.now()))


@get("/{name:str}", summary="A cluster and its nodes", opt=READ)
async def show_cluster(name: str, database: Database) -> ClusterView:
    return await database.read(lambda read: service.view(read, service.get(read, name)))


@delete("/{name:str}", summary="Delete a cluster that has no node", opt=OWN)
async def delete_cluster(name: str, database: Database) -> None:
    await database.write(lambda write: service.delete(write, name))


router = Router(
    "/clusters",
    route_handlers=[list_clusters, create_cluster, update_cluster, show_cluster, delete_cluster],
    tags=["clusters"],
)
