"""HTTP of snapshots, sample data sets, datastores and file datasets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from litestar import Request, get, post, put
from litestar.response import Stream

from faena.data import archive, service
from faena.data.datasets.routes import router as datasets
from faena.data.datastores.routes import router as datastores
from faena.data.schemas import Snapshot, SnapshotFile
from faena.db import Database
from faena.kernel.batches import LONGEST_LIST
from faena.kernel.clock import Clock
from faena.kernel.lanes import BYTES
from faena.kernel.rights import CONTRIBUTE, READ
from faena.kernel.routing import SOME_BYTES, Router
from faena.objects import ranges
from faena.objects.service import Objects


@put(
    "/snapshots/{digest:str}",
    status_code=200,
    summary="Keep a snapshot, or hear which objects are missing",
    request_max_body_size=LONGEST_LIST,
    opt=CONTRIBUTE,
)
async def put_snapshot(
    digest: str, data: Snapshot, objects: Objects, database: Database, clock: Clock
) -> list[str]:
    return await service.put_snapshot(digest, data, objects, database, clock)


@get(
    "/snapshots/{digest:str}/archive",
    summary="A snapshot's files as a zip archive",
    media_type="application/zip",
    opt=READ,
)
async def archive_snapshot(digest: str, objects: Objects, database: Database) -> Stream:
    files = await database.read(lambda read: service.snapshot_files(read, digest))
    await objects.check(file.digest for file in files)
    return Stream(archive.zipped(files, objects.files), media_type="application/zip")


@get("/snapshots/{digest:str}", summary="The files that a snapshot holds", opt=READ)
async def show_snapshot(digest: str, database: Database) -> list[SnapshotFile]:
    return list(await database.read(lambda read: service.snapshot_files(read, digest)))


@post(
    "/datasets/{name:str}",
    status_code=200,
    summary="See that a sample data set is on this host",
    opt=CONTRIBUTE,
)
async def ensure_dataset(name: str, data: dict[str, Any]) -> dict[str, str]:
    root: Path = await BYTES.run(service.ensure_dataset, name)
    return {"root": str(root)}


@get(
    "/sample-data/{name:str}/{part:str}",
    summary="A file of a sample data set, for a node on another machine",
    media_type=SOME_BYTES,
    responses=ranges.REST,
    opt=READ,
)
async def sample_file(name: str, part: str, request: Request[Any, Any, Any]) -> Stream:
    return await ranges.of_file(await BYTES.run(service.open_sample, name, part), request)


router = Router(
    "/",
    route_handlers=[
        put_snapshot,
        show_snapshot,
        archive_snapshot,
        ensure_dataset,
        sample_file,
        datastores,
        datasets,
    ],
    tags=["data"],
)
