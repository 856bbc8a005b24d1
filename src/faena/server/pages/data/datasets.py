"""What the pages of data show: datasets by name, one of them whole, datastores."""

from __future__ import annotations

from pathlib import Path

import msgspec
from msgspec import Struct

from faena.data import glimpse
from faena.data.datasets import listing, service
from faena.data.datasets.schemas import DatasetView, Source
from faena.data.datastores import service as datastores
from faena.data.datastores.model import Datastore
from faena.data.glimpse import Glimpse
from faena.db import Read
from faena.kernel.clock import Micros
from faena.kernel.plural import counted
from faena.runs import readers
from faena.runs.readers import Reader
from faena.server.pages.addresses import DATA, dataset_address, datastore_address
from faena.server.pages.data.tabular_words import Table, short, table
from faena.server.pages.paging import ROWS, Paged
from faena.server.pages.previews.contents import Preview, preview
from faena.workspaces.model import WorkspaceFolder

_MOST_STORES = 200
_MOST_SOURCES = 100
_MOST_GLIMPSES = 3
"""Sources whose files are named."""
_MOST_READERS = 20
_MOST_ROWS = 20


class Row(Struct, frozen=True):
    title: str
    address: str
    version: int | None
    versions: str
    kind: str
    sources: str
    description: str
    tags: list[tuple[str, str]]
    more_tags: int
    created_at: Micros
    runs: int


class Store(Struct, frozen=True):
    name: str
    address: str
    type: str
    folder: str
    is_default: bool
    runs: int


class DataPage(Struct, frozen=True):
    rows: list[Row]
    paged: Paged
    stores: list[Store]
    more_stores: int


class Place(Struct, frozen=True):
    """A source, with the files that it means as far as they were looked at."""

    title: str
    address: str
    """Of its datastore; empty for a web address, which the page does not lead to."""
    seen: Glimpse | None


class Readers(Struct, frozen=True):
    listed: list[Reader]
    more: int


class DatasetPage(Struct, frozen=True):
    row: Row
    id: str
    description: str
    tags: dict[str, str]
    places: list[Place]
    more_places: int
    table: Table | None
    rows: list[Row]
    """All versions of its name."""
    paged: Paged
    readers: Readers
    first: str
    """The file that `preview` shows the beginning of; empty for none."""
    preview: Preview | None


class StorePage(Struct, frozen=True):
    store: Store
    seen: Glimpse
    readers: Readers


def build(read: Read, folder: WorkspaceFolder, text: str, start: int) -> DataPage:
    found, total = listing.latest(read, text.strip(), start, ROWS)
    used = readers.latest(read)
    stores = datastores.list_all(read, folder)
    return DataPage(
        rows=[_row(each.dataset, used, each.versions) for each in found],
        paged=Paged(DATA, total, start, text.strip()),
        stores=[_store(each, used) for each in stores[:_MOST_STORES]],
        more_stores=max(0, len(stores) - _MOST_STORES),
    )


def one(read: Read, folder: WorkspaceFolder, dataset_id: str, start: int) -> DatasetPage:
    """Without what its files hold: `with_files` adds that. Raises NotFound."""
    shown = service.get(read, dataset_id)
    used = readers.latest(read)
    versions, total = listing.of_one(read, shown.name, start, ROWS) if shown.name else ([], 0)
    stores = {each.name: each for each in datastores.list_all(read, folder)}
    return DatasetPage(
        row=_row(shown, used),
        id=shown.id,
        description=shown.description,
        tags=shown.tags,
        places=[_place(each, stores) for each in shown.sources[:_MOST_SOURCES]],
        more_places=max(0, len(shown.sources) - _MOST_SOURCES),
        table=None if shown.tabular is None else table(shown.tabular),
        rows=[_row(each, used) for each in versions],
        paged=Paged(dataset_address(dataset_id), total, start),
        readers=_readers(used.get(dataset_id, [])),
        first="",
        preview=None,
    )


def with_files(found: DatasetPage, folders: dict[str, Path], sources: tuple[Source, ...]) -> DatasetPage:
    """Looks at the first files of the first sources; reads the beginning of one where it is a table."""
    places, first, shown = list(found.places), "", None
    for at, source in enumerate(sources[:_MOST_GLIMPSES]):
        if source.datastore in folders:
            seen = glimpse.look(folders[source.datastore], source.path)
            places[at] = msgspec.structs.replace(places[at], seen=seen)
            if not first and found.table is not None and seen.files:
                first = seen.files[0][0]
                file = glimpse.opened(folders[source.datastore], first)
                if file is not None:
                    with file:
                        shown = _beginning(preview(first, file, seen.files[0][1]))
    return msgspec.structs.replace(found, places=places, first=first, preview=shown)


def _beginning(found: Preview) -> Preview:
    if found.table is None:
        return found
    rows = found.table.rows[:_MOST_ROWS]
    return msgspec.structs.replace(found, table=msgspec.structs.replace(found.table, rows=rows))


def store(read: Read, folder: WorkspaceFolder, name: str) -> tuple[StorePage, Path]:
    """Its folder, too, which `glimpse.look` looks into. Raises NotFound."""
    found = datastores.get(read, name, folder)
    used = readers.latest(read)
    page = StorePage(
        _store(found, used), Glimpse([], is_all=True), _readers(used.get(readers.store_key(name), []))
    )
    return page, found.folder


def _readers(found: list[Reader]) -> Readers:
    return Readers(found[:_MOST_READERS], max(0, len(found) - _MOST_READERS))


def _store(found: Datastore, used: dict[str, list[Reader]]) -> Store:
    runs = len(used.get(readers.store_key(found.name), []))
    return Store(
        found.name, datastore_address(found.name), found.type, str(found.folder), found.is_default, runs
    )


def _row(found: DatasetView, used: dict[str, list[Reader]], versions: int = 1) -> Row:
    first = _title(found.sources[0]) if found.sources else ""
    more = len(found.sources) - 1
    tags = list(found.tags.items())
    return Row(
        title=found.name or found.id,
        address=dataset_address(found.id),
        version=found.version,
        versions=counted(versions, "version"),
        kind="files" if found.tabular is None else f"table, {found.tabular.get('kind', '')}",
        sources=short(first) + (f" and {more:,} more" if more > 0 else ""),
        description=short(found.description),
        tags=tags[:8],
        more_tags=max(0, len(tags) - 8),
        created_at=found.created_at,
        runs=len({each.run_id for each in used.get(found.id, [])}),
    )


def _title(source: Source) -> str:
    return source.url or f"{source.datastore}/{source.path}".rstrip("/")


def _place(source: Source, stores: dict[str, Datastore]) -> Place:
    return Place(
        _title(source), datastore_address(source.datastore) if source.datastore in stores else "", None
    )
