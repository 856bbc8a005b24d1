"""HTTP of file datasets."""

from __future__ import annotations

from litestar import Router, get, put

from faena.data.datasets import service, store
from faena.data.datasets.schemas import DatasetRequest, DatasetView
from faena.db import Database
from faena.kernel.clock import Clock


@put(
    "/{dataset_id:str}",
    status_code=200,
    summary="Keep or register a dataset; repeating it has no second effect",
)
async def keep(dataset_id: str, data: DatasetRequest, database: Database, clock: Clock) -> DatasetView:
    now = clock.now()
    return await database.write(lambda write: service.put(write, dataset_id, data, now))


@get("/", summary="The latest version of each registered dataset")
async def list_datasets(database: Database) -> list[DatasetView]:
    return await database.read(store.list_latest)


@get("/named", summary="A version of a registered dataset, the latest unless told")
async def show_named(name: str, database: Database, version: int | None = None) -> DatasetView:
    return await database.read(lambda read: service.get_by_name(read, name, version))


@get("/{dataset_id:str}", summary="A dataset by its id")
async def show(dataset_id: str, database: Database) -> DatasetView:
    return await database.read(lambda read: service.get(read, dataset_id))


router = Router("/file-datasets", route_handlers=[keep, list_datasets, show_named, show], tags=["data"])
