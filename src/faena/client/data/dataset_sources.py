"""From what `from_files` takes to the sources of a dataset, some of which may be files that no datastore has yet."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from faena.client.data.data_reference import DataPath, DataReference
from faena.client.data.datastore import Datastore
from faena.client.data.named_datastore import NamedDatastore
from faena.client.data.store_files import StoreFiles
from faena.client.workspaces.session import Session
from faena.data import downloads, patterns, safe_paths
from faena.data.datasets.schemas import Source
from faena.data.datastores.schemas import TakeRequest
from faena.data.safe_paths import Found
from faena.data.sources import Contents, contents, files_of
from faena.kernel import digests
from faena.kernel.errors import NotFound, UserErrorException

_FORMS = "a DataReference, a pair (datastore, 'path'), a web address or a local path, or a list of them"


@dataclass(frozen=True)
class LocalSource:
    """Files of this machine that are uploaded to the default datastore once a workspace is known."""

    root: Path
    path: str
    """A file, a folder or a pattern below `root`."""

    def upload(self, workspace: Session) -> Source:
        """Copy the files there, below a folder named after their names and contents: the same ones are kept once."""
        files, base, left_out = files_of(self.root, self.path, str(self.root))
        if left_out:
            raise UserErrorException(
                f"{self.root / self.path} cannot be uploaded: {'; '.join(left_out[:10])}. Remove what is named, or "
                "replace links by what they lead to."
            )
        names = {file.path: file.path[len(base) :].lstrip("/") for file in files}
        digest = digests.of_value([(names[file.path], digests.of_file(file.place)) for file in files])
        store = Datastore.get_default(workspace).name
        folder = f"from_files/{digest[:32]}"
        for file in files:
            request = TakeRequest(f"{folder}/{names[file.path]}", str(file.place))
            workspace.api.data.take_file(store, request)
        is_file = len(files) == 1 and files[0].path == self.path
        return Source(store, f"{folder}/{names[files[0].path]}" if is_file else folder)


def read_path(path: Any) -> tuple[list[Source | LocalSource], Session | None]:
    """(the sources that `path` names, the workspace that they belong to, when one of them tells it).

    Raises UserErrorException for what is none of the forms, and for datastores of two workspaces.
    """
    sources: list[Source | LocalSource] = []
    workspace: Session | None = None
    for item in _items(path):
        datastore, source = _read_item(item)
        sources.append(source)
        if datastore is None:
            continue
        if workspace is not None and workspace.id != datastore.workspace.id:
            raise UserErrorException(
                f"The paths belong to two workspaces, {workspace.name!r} and {datastore.workspace.name!r}. Use one."
            )
        workspace = datastore.workspace
    if not sources:
        raise UserErrorException(f"A dataset needs at least one path: {_FORMS}.")
    return sources, workspace


def find(
    sources: Iterable[Source | LocalSource], workspace: Session | None, *, fetch: bool = True
) -> Contents:
    """The files of the sources on this host; without `fetch`, what lies elsewhere is named only.

    What was fetched of a server elsewhere goes with the contents.
    """
    stores = StoreFiles(workspace, fetch=fetch)

    def told(source: Source | LocalSource) -> Mapping[str, str]:
        if isinstance(source, LocalSource):
            return {"datastore": "", "folder": str(source.root), "path": source.path}
        if source.url:
            return {"url": source.url}
        return {"datastore": source.datastore, "folder": "", "path": source.path}

    def look(source: Mapping[str, str]) -> tuple[list[Found], str, list[str]]:
        if source["datastore"]:
            return stores.of(source["datastore"], source["path"])
        place = Path(source["folder"], source["path"])
        try:
            return files_of(Path(source["folder"]), source["path"], source["datastore"])
        except NotFound:
            raise NotFound(
                f"There is nothing at {os.fspath(place)!r} on this machine any more. Bring it back, or make the "
                "dataset of what is there."
            ) from None

    found = contents([told(source) for source in sources], downloads.fetch if fetch else Path, look)
    return found._replace(held=stores)


def _items(path: Any) -> list[Any]:
    if isinstance(path, tuple) and len(path) == 2 and isinstance(path[0], Datastore):
        store, below = path
        return [(store, each) for each in below] if isinstance(below, list) else [path]
    if isinstance(path, (list, tuple)):
        return [item for each in path for item in _items(each)]
    return [path]


def _read_item(item: Any) -> tuple[NamedDatastore | None, Source | LocalSource]:
    if isinstance(item, Datastore):
        return item, Source(item.name)
    if isinstance(item, (DataReference, DataPath)):
        return item.datastore, Source(item.datastore.name, safe_paths.check(item.path_on_datastore or ""))
    if isinstance(item, tuple):
        store, below = item
        return store, Source(store.name, safe_paths.check(below or ""))
    if not isinstance(item, (str, os.PathLike)):
        raise UserErrorException(f"{item!r} is no path of a dataset. Use {_FORMS}.")
    text = os.fspath(item)
    if "://" in text or text.lower().startswith("file:"):
        return None, Source(url=downloads.check_url(text))
    return None, _local(text)


def _local(text: str) -> LocalSource:
    """The folder before the first `*` is the root, or the one that the file lies in."""
    if not text or "\0" in text:
        raise UserErrorException(f"{text!r} is no path. Use {_FORMS}.")
    path = os.path.abspath(Path(text).expanduser())  # noqa: PTH100  `..` in it must be worked out
    fixed = Path("/" + patterns.fixed_part(path.lstrip("/")))
    root = fixed if patterns.is_pattern(path) or fixed.is_dir() else fixed.parent
    source = LocalSource(root, path[len(str(root)) :].lstrip("/"))
    try:
        files_of(source.root, source.path, str(root))
    except NotFound:
        raise UserErrorException(f"There is nothing at {text!r} on this machine.") from None
    return source
