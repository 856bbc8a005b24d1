"""Files of a workspace's datastores: where they lie, on the server's own host, else what the server lists and sends."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from functools import cached_property
from pathlib import Path

from faena.client.workspaces.session import Session
from faena.data import safe_paths
from faena.data.safe_paths import Found
from faena.data.sources import files_of, named_from
from faena.kernel.errors import NotFound


class StoreFiles:
    """What is fetched lies in a folder that goes with this object."""

    def __init__(self, workspace: Session | None, *, fetch: bool = False) -> None:
        self._workspace = workspace
        self._fetch = fetch

    def of(self, store: str, path: str) -> tuple[list[Found], str, list[str]]:
        """As `faena.data.sources.files_of`. Raises NotFound; a place where nothing was fetched is the path there."""
        if self._workspace is not None and self._workspace.url:
            return self._listed(self._workspace, store, path)
        if not (folder := self._folders.get(store, "")):
            raise NotFound(f"The datastore {store!r} is not registered any more.")
        return files_of(Path(folder), path, store)

    @cached_property
    def _folders(self) -> dict[str, str]:
        return (
            {view.name: view.folder for view in self._workspace.api.data.datastores()}
            if self._workspace
            else {}
        )

    def _listed(self, workspace: Session, store: str, path: str) -> tuple[list[Found], str, list[str]]:
        path = safe_paths.check(path)
        view = workspace.api.data.files(store, path)
        files = [Found(each.path, Path(store, safe_paths.check(each.path)), each.size) for each in view.files]
        if self._fetch:
            files = [file._replace(place=self._fetched / file.place) for file in files]
            for file in files:
                workspace.api.data.download_file(store, file.path, file.place)
        return files, named_from(files, path), view.left_out

    @cached_property
    def _fetched(self) -> Path:
        folder = tempfile.mkdtemp(prefix="faena-fetched-")
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        return Path(folder)
