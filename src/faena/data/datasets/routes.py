"""HTTP of file datasets."""

from __future__ import annotations

from litestar import delete, get, patch, put

from faena.data.datasets import service, store
from faena.data.datasets.schemas import DatasetChange, DatasetRequest, DatasetView
from faena.db import Database
from faena.kernel.batches import LONGEST_LIST
from faena.kernel.clock import Clock
from faena.kernel.rights import CONTRIBUTE, OWN, READ
from faena.kernel.routing import Router


@put(
    "/{dataset_id:str}",
    status_code=200,
    summary="Keep or register a dataset; repeating it has no second effect",
    request_max_body_size=LONGEST_LIST,
    opt=CONTRIBUTE,
)
async def keep(dataset_id: str, data: DatasetRequest, database: Database, clock: Clock) -> DatasetView:
    now = clock.now()
    return await database.write(lambda write: service.put(write, dataset_id, data, now))


@patch("/{dataset_id:str}", summary="Change the description and tags of a version", opt=CONTRIBUTE)
async def change(dataset_id: str, data: DatasetChange, database: Database) -> DatasetView:
    return await database.write(lambda write: service.change(write, dataset_id, data))


@delete("/named", summary="Forget the name of a dataset; its versions are known by their ids then", opt=OWN)
async def forget(name: str, database: Database) -> None:
    await database.write(lambda write: service.forget(write, name))


@get("/", summary="The latest version of each registered dataset", opt=READ)
async def list_datasets(database: Database) -> list[DatasetView]:
    return await database.read(store.list_latest)


@get("/named", summary="A version of a registered dataset, the latest unless told", opt=READ)
async def show_named(name: str, database: Database, version: int | None = None) -> DatasetView:
    return await database.read(lambda read: service.get_by_name(read, name, version))


@get("/{dataset_id:str}", summary="A dataset by its id", opt=READ)
async def show(dataset_id: str, database: Database) -> DatasetView:
    return await database.read(lambda read: service.get(read, dataset_id))


router = Router(
    "/file-datasets", route_handlers=[keep, change, forget, list_datasets, show_named, show], tags=["data"]
)
