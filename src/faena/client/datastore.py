"""Datastore: a named folder that holds a workspace's data."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, NoReturn, Self, TypeVar

from faena.client.data_reference import DataReference
from faena.client.not_covered import MARK, not_covered_property
from faena.client.session import Session, api_of
from faena.data import contained
from faena.data.datastores.schemas import DatastoreView, FolderRequest, TakeRequest
from faena.kernel import ids
from faena.kernel.errors import NotCovered, UserErrorException
from faena.runs.schemas import DataInput
from faena.script import told

T = TypeVar("T")
_AT_ONCE = 8


def _from_the_cloud(name: str) -> classmethod[Any, Any, NoReturn]:
    def refuse(_cls: type[object], /, *_positional: object, **_named: object) -> NoReturn:
        raise NotCovered(
            f"Datastore.{name}: stores outside this machine come with the shared server. Until then, register a folder "
            "that has the data with Datastore.register_local_folder (a network drive or a mounted bucket will do), or "
            "upload it: workspace.get_default_datastore().upload(...)."
        )

    refuse.__name__ = name
    setattr(refuse, MARK, "stores outside this machine, which come with the shared server")
    return classmethod(refuse)


class Datastore:
    """A datastore of a workspace. Two are there always: `workspaceblobstore`, the default, and `workspacefilestore`.

    Raises NotFound, listing those that there are.
    """

    register_azure_blob_container = _from_the_cloud("register_azure_blob_container")
    register_azure_file_share = _from_the_cloud("register_azure_file_share")
    register_azure_data_lake = _from_the_cloud("register_azure_data_lake")
    register_azure_data_lake_gen2 = _from_the_cloud("register_azure_data_lake_gen2")
    register_azure_sql_database = _from_the_cloud("register_azure_sql_database")
    register_azure_postgre_sql = _from_the_cloud("register_azure_postgre_sql")
    register_azure_my_sql = _from_the_cloud("register_azure_my_sql")
    register_dbfs = _from_the_cloud("register_dbfs")
    register_hdfs = _from_the_cloud("register_hdfs")

    def __init__(self, workspace: Session, name: str) -> None:
        self.workspace = workspace
        self._view = api_of(workspace).data.datastore(ids.check_datastore_name(name))

    @classmethod
    def of_view(cls, workspace: Session, view: DatastoreView) -> Self:
        """The handle of a datastore that was read already."""
        datastore = cls.__new__(cls)
        datastore.workspace = workspace
        datastore._view = view
        return datastore

    @classmethod
    def get(cls, workspace: Session, datastore_name: str) -> Self:
        return cls(workspace, datastore_name)

    @classmethod
    def get_default(cls, workspace: Session) -> Self:
        """The datastore that uploads go to when none is named."""
        return next(found for found in cls.all(workspace).values() if found.is_default)

    @classmethod
    def all(cls, workspace: Session) -> dict[str, Self]:
        """By name."""
        return {view.name: cls.of_view(workspace, view) for view in api_of(workspace).data.datastores()}

    @classmethod
    def register_local_folder(
        cls, workspace: Session, name: str, folder: str | os.PathLike[str], overwrite: bool = False
    ) -> Self:
        """Give a folder of this machine a name; repeating it has no second effect.

        Raises UserErrorException for what is no folder or holds the workspace's own files, Conflict when the name
        stands for another folder, unless `overwrite`.
        """
        request = FolderRequest(str(Path(folder).expanduser().absolute()), overwrite)
        return cls.of_view(
            workspace, workspace.api.data.register_folder(ids.check_datastore_name(name), request)
        )

    @property
    def name(self) -> str:
        return self._view.name

    @property
    def datastore_type(self) -> str:
        """v1's words AzureBlob and AzureFile for those that every workspace has, LocalFolder for a registered one."""
        return self._view.type

    @property
    def folder(self) -> Path:
        """Where its files are, on the server's host."""
        return Path(self._view.folder)

    @property
    def account_name(self) -> str:
        """v1's storage account; here the workspace's name stands for it."""
        return self.workspace.name

    @property
    def container_name(self) -> str:
        """v1's blob container or file share; here the datastore's own name."""
        return self.name

    @property
    def sas_token(self) -> None:
        """None, as `account_key`: nothing has to be shown for a folder."""

    account_key = sas_token

    @property
    def is_sas(self) -> bool:
        return False

    @property
    def protocol(self) -> str:
        return "file"

    @property
    def endpoint(self) -> None:
        """None: no service of a cloud."""

    blob_service = not_covered_property(
        "Datastore.blob_service", "files are in a folder: datastore.folder, upload, download."
    )

    @property
    def is_default(self) -> bool:
        return self._view.is_default

    def set_as_default(self) -> None:
        self.workspace.api.data.set_default(self.name)
        self._view = self.workspace.api.data.datastore(self.name)

    def unregister(self) -> None:
        """Forget a registered folder; its files stay. Raises UserErrorException for one that every workspace has."""
        self.workspace.api.data.unregister(self.name)

    def path(self, path: str | None = None, data_reference_name: str | None = None) -> DataReference:
        """A reference to a path in it, to mount unless told; default: all of it."""
        return DataReference(self, data_reference_name, path)

    def as_mount(self) -> DataReference:
        return self.path().as_mount()

    def as_download(self, path_on_compute: str | None = None) -> DataReference:
        return self.path().as_download(path_on_compute)

    def as_upload(self, path_on_compute: str | None = None) -> DataReference:
        return self.path().as_upload(path_on_compute)

    def data_input(self) -> DataInput:
        """In a script's arguments a datastore stands for all of it, mounted."""
        return self.as_mount().data_input()

    def upload(
        self,
        src_dir: str | os.PathLike[str],
        target_path: str | None = None,
        overwrite: bool = False,
        show_progress: bool = True,
    ) -> DataReference:
        """Copy the files of a folder below `target_path` (default: the datastore itself); a reference to there.

        Files that are there already are left as they are, unless `overwrite`. Raises UserErrorException before anything
        is copied when the folder holds links that lead out of it or what is no regular file.
        """
        source = Path(src_dir).expanduser()
        if not source.is_dir():
            raise UserErrorException(
                f"{os.fspath(src_dir)!r} is no folder. Use upload_files for single files."
            )
        listing = contained.walk(source)
        if listing.left_out:
            raise UserErrorException(
                f"{source} cannot be uploaded: {'; '.join(listing.left_out[:10])}. Remove what is named, replace links "
                "by what they lead to, or name the files with upload_files."
            )
        files = [(file.place, file.path) for file in listing.files]
        return self._upload(files, target_path, overwrite, show_progress)

    def upload_files(
        self,
        files: Sequence[str | os.PathLike[str]],
        relative_root: str | os.PathLike[str] | None = None,
        target_path: str | None = None,
        overwrite: bool = False,
        show_progress: bool = True,
    ) -> DataReference:
        """Copy files below `target_path`, each by its path relative to `relative_root` (default: the deepest folder
        that holds them all); a reference to there.

        Raises UserErrorException for a file that is not there or not below `relative_root`.
        """
        if isinstance(files, (str, os.PathLike)):
            raise UserErrorException(f"files is {files!r}. Use a list: [{os.fspath(files)!r}].")
        places = [Path(file).expanduser().absolute() for file in files]
        for place in places:
            if not place.is_file():
                raise UserErrorException(f"There is no file {str(place)!r}. Use upload for a folder.")
        if not places:
            return self.path(target_path)
        root = os.path.abspath(relative_root or os.path.commonpath([place.parent for place in places]))  # noqa: PTH100  takes '..' away and follows no link
        named = []
        for place in places:
            name = os.path.relpath(os.path.abspath(place), root)  # noqa: PTH100  `..` in it must be worked out
            if name.startswith(".."):
                raise UserErrorException(f"{str(place)!r} is not below relative_root {root!r}.")
            named.append((place, name))
        return self._upload(named, target_path, overwrite, show_progress)

    def download(
        self,
        target_path: str | os.PathLike[str],
        prefix: str | None = None,
        overwrite: bool = False,
        show_progress: bool = True,
    ) -> int:
        """Copy all files whose paths begin with `prefix` below `target_path`, by their paths in the datastore.

        The number of files copied; those that are there already are left as they are, unless `overwrite`.
        """
        tell = _teller(show_progress)
        found = [
            contained.check(file.path)
            for file in self.workspace.api.data.files(self.name, "").files
            if file.path.startswith((prefix or "").removeprefix("./"))
        ]
        folder = Path(target_path).expanduser()

        def copy(path: str) -> bool:
            if os.path.lexists(folder / path) and not overwrite:
                return False
            self.workspace.api.data.download_file(self.name, path, folder / path)
            return True

        count = 0
        for path, copied in _at_once(copy, found):
            if not copied:
                tell(f"Path already exists. Skipping download for {folder / path}")
                continue
            count += 1
            tell(f"Downloading {path}")
            tell(f"Downloaded {path}, {count} files out of an estimated total of {len(found)}")
        return count

    def remove(self, path: str) -> int:
        """Delete a file, or a folder with what it holds; how many files that were. Raises NotFound."""
        return self.workspace.api.data.remove(self.name, contained.check(path))

    def _upload(
        self,
        files: Sequence[tuple[Path, str]],
        target_path: str | None,
        overwrite: bool,
        show_progress: bool,
    ) -> DataReference:
        tell = _teller(show_progress)
        folder = contained.check(target_path or "", "target_path")
        requests = [
            TakeRequest(
                contained.check(f"{folder}/{name}" if folder else name), str(place.absolute()), overwrite
            )
            for place, name in files
        ]
        tell(f"Uploading an estimated of {len(files)} files")
        count = 0
        take_file = partial(self.workspace.api.data.take_file, self.name)
        for request, written in _at_once(take_file, requests):
            if not written:
                tell(f"Target already exists. Skipping upload for {request.path}")
                continue
            count += 1
            tell(f"Uploading {request.source}")
            tell(f"Uploaded {request.source}, {count} files out of an estimated total of {len(files)}")
        tell(f"Uploaded {count} files")
        return self.path(folder)

    def __str__(self) -> str:
        return str(self.as_mount())

    def __repr__(self) -> str:
        return f"Datastore(workspace={self.workspace!r}, name={self.name!r})"


def _at_once(do: Callable[[T], bool], items: Sequence[T]) -> Iterator[tuple[T, bool]]:
    """Each item with what `do` answers for it, in order; several at a time, since each waits for the disk."""
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="datastore") as pool:
        yield from zip(items, pool.map(do, items), strict=True)


def _teller(show_progress: bool) -> Callable[[str], None]:
    def tell(line: str) -> None:
        if show_progress:
            told.tell(line)

    return tell
