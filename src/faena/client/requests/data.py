"""Typed requests about datastores and file datasets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode

import msgspec

from faena.client.wire import encode
from faena.data.datasets.schemas import DatasetChange, DatasetRequest, DatasetView
from faena.data.datastores.schemas import (
    DatastoreView,
    FilesView,
    FolderRequest,
    Removed,
    Taken,
    TakeRequest,
)
from faena.kernel.transport import Transport, segment

_COPYING = 3600.0
"""Seconds that the server may take to copy a file before it answers."""


class DataApi:
    """Each method is one request; each raises the FaenaError that the server names, or ServerUnreachable.

    `save`: how a body that comes in parts becomes a file, whole or not at all.
    """

    def __init__(self, transport: Transport, save: Callable[[str, Path], object]) -> None:
        self._transport = transport
        self._save = save

    def datastores(self) -> list[DatastoreView]:
        return msgspec.json.decode(
            self._transport.request("GET", "/datastores").data, type=list[DatastoreView]
        )

    def datastore(self, name: str) -> DatastoreView:
        return msgspec.json.decode(self._transport.request("GET", _store(name)).data, type=DatastoreView)

    def register_folder(self, name: str, request: FolderRequest) -> DatastoreView:
        answer = self._transport.request("PUT", _store(name), encode(request))
        return msgspec.json.decode(answer.data, type=DatastoreView)

    def unregister(self, name: str) -> None:
        self._transport.request("DELETE", _store(name))

    def set_default(self, name: str) -> None:
        self._transport.request("PUT", f"{_store(name)}/default")

    def files(self, name: str, path: str) -> FilesView:
        """The files that a path or pattern means."""
        answer = self._transport.request("GET", f"{_store(name)}/files?{urlencode({'path': path})}")
        return msgspec.json.decode(answer.data, type=FilesView)

    def take_file(self, name: str, request: TakeRequest) -> bool:
        """Have the server copy a file of this host; False when something is there already."""
        if not self._transport.shares_files:
            from faena.kernel import uploads  # a server elsewhere is asked by few

            digest = uploads.bring(self._transport, [request.source])[request.source]
            request = TakeRequest(request.path, overwrite=request.overwrite, digest=digest)
        body = encode(request)
        answer = self._transport.request("PUT", f"{_store(name)}/content", body, timeout=_COPYING)
        return msgspec.json.decode(answer.data, type=Taken).written

    def download_file(self, name: str, path: str, target: Path) -> None:
        self._save(f"{_store(name)}/content?{urlencode({'path': path})}", target)

    def remove(self, name: str, path: str) -> int:
        """How many files were removed."""
        answer = self._transport.request("DELETE", f"{_store(name)}/content?{urlencode({'path': path})}")
        return msgspec.json.decode(answer.data, type=Removed).files

    def put_dataset(self, dataset_id: str, request: DatasetRequest) -> DatasetView:
        path = f"/file-datasets/{segment(dataset_id)}"
        answer = self._transport.request("PUT", path, encode(request))
        return msgspec.json.decode(answer.data, type=DatasetView)

    def change_dataset(self, dataset_id: str, wanted: DatasetChange) -> DatasetView:
        answer = self._transport.request("PATCH", f"/file-datasets/{segment(dataset_id)}", encode(wanted))
        return msgspec.json.decode(answer.data, type=DatasetView)

    def forget_datasets(self, name: str) -> None:
        self._transport.request("DELETE", f"/file-datasets/named?{urlencode({'name': name})}")

    def datasets(self) -> list[DatasetView]:
        """The latest version of each name."""
        return msgspec.json.decode(
            self._transport.request("GET", "/file-datasets").data, type=list[DatasetView]
        )

    def dataset(self, dataset_id: str) -> DatasetView:
        answer = self._transport.request("GET", f"/file-datasets/{segment(dataset_id)}")
        return msgspec.json.decode(answer.data, type=DatasetView)

    def dataset_named(self, name: str, version: int | None) -> DatasetView:
        query = {"name": name} if version is None else {"name": name, "version": str(version)}
        answer = self._transport.request("GET", f"/file-datasets/named?{urlencode(query)}")
        return msgspec.json.decode(answer.data, type=DatasetView)


def _store(name: str) -> str:
    return f"/datastores/{segment(name)}"
