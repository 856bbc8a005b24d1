"""HTTP of the pages of data. Folders are looked at on the lane of bytes, the database on a reader's thread."""

from __future__ import annotations

import asyncio
from pathlib import Path

from litestar import Response, get
from msgspec.structs import replace

from faena.data import glimpse
from faena.data.datasets import service
from faena.data.datasets.schemas import Source
from faena.data.datastores import service as datastores
from faena.db import Database, Read
from faena.kernel.lanes import BYTES
from faena.kernel.rights import READ
from faena.server.pages.data import datasets as data_pages
from faena.server.pages.data.datasets import DatasetPage
from faena.server.pages.list_parameters import Start, Text
from faena.server.pages.rendering import page, render
from faena.workspaces.model import WorkspaceFolder


@get("/data", summary="Page: registered datasets, each with its latest version, and datastores", opt=READ)
async def data(
    database: Database, folder: WorkspaceFolder, text: Text = "", start: Start = 0
) -> Response[str]:
    def build(read: Read) -> str:
        found = data_pages.build(read, folder, text, start)
        return render("data.html", found=found, **_around(folder))

    return page(await database.read(build))


@get(
    "/data/sets/{dataset_id:str}", summary="Page: a dataset, its files' names and how they are read", opt=READ
)
async def dataset(
    dataset_id: str, database: Database, folder: WorkspaceFolder, start: Start = 0
) -> Response[str]:
    def build(read: Read) -> tuple[DatasetPage, dict[str, Path], tuple[Source, ...]]:
        found = data_pages.one(read, folder, dataset_id, start)
        folders = {each.name: each.folder for each in datastores.list_all(read, folder)}
        return found, folders, service.get(read, dataset_id).sources

    found = await BYTES.run(data_pages.with_files, *await database.read(build))
    return page(await asyncio.to_thread(lambda: render("dataset.html", part=found, **_around(folder))))


@get("/data/stores/{name:str}", summary="Page: a datastore and its first files", opt=READ)
async def datastore(name: str, database: Database, folder: WorkspaceFolder) -> Response[str]:
    found, place = await database.read(lambda read: data_pages.store(read, folder, name))
    found = replace(found, seen=await BYTES.run(glimpse.look, place, ""))
    return page(await asyncio.to_thread(lambda: render("datastore.html", part=found, **_around(folder))))


def _around(folder: WorkspaceFolder) -> dict[str, object]:
    return {"workspace": folder.name, "place": folder.path.parent, "here": "data"}


handlers = [data, dataset, datastore]
