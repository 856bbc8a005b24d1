"""Datastore: a named folder that holds a workspace's data."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeVar

from faena.client.data.data_reference import DataReference
from faena.client.data.named_datastore import NamedDatastore
from faena.client.html.progress import Progress
from faena.client.wire import shown
from faena.data import safe_paths
from faena.data.datastores.schemas import TakeRequest
from faena.kernel.errors import UserErrorException
from faena.kernel.plural import counted
from faena.runs.submission_schemas import DataInput
from faena.script import messages

T = TypeVar("T")
_AT_ONCE = 8
_TOLD = 500
"""Files of which at most each is told."""


class Datastore(NamedDatastore):
    """A datastore of a workspace. Two are there always: `workspaceblobstore`, the default, and `workspacefilestore`.

    Raises NotFound, listing those that there are.
    """

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
        if not isinstance(src_dir, (str, os.PathLike)):
            raise UserErrorException(f"src_dir is {shown(src_dir)}. Use the path of a folder.")
        source = Path(src_dir).expanduser()
        if not source.is_dir():
            raise UserErrorException(
                f"{os.fspath(src_dir)!r} is no folder. Use upload_files for single files."
            )
        listing = safe_paths.walk(source)
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
        if not isinstance(files, Iterable) or any(not isinstance(file, (str, os.PathLike)) for file in files):
            raise UserErrorException(f"files is {shown(files)}. Use a list of paths.")
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
        found = [
            safe_paths.check(file.path)
            for file in self.workspace.api.data.files(self.name, "").files
            if file.path.startswith((prefix or "").removeprefix("./"))
        ]
        folder = Path(target_path).expanduser()
        tell = _teller(show_progress, len(found))

        def copy(path: str) -> bool:
            if os.path.lexists(folder / path) and not overwrite:
                return False
            self.workspace.api.data.download_file(self.name, path, folder / path)
            return True

        count = 0
        with Progress(f"Downloading from {self.name}", len(found)) as progress:
            for place, (path, copied) in enumerate(_at_once(copy, found), 1):
                progress.at(place, f"{place:,} of {counted(len(found), 'file')}")
                if not copied:
                    tell(place, f"Path already exists. Skipping download for {folder / path}")
                    continue
                count += 1
                tell(place, f"Downloading {path}")
                tell(place, f"Downloaded {path}, {count} files out of an estimated total of {len(found)}")
            progress.end(counted(count, "file"))
        return count

    def remove(self, path: str) -> int:
        """Delete a file, or a folder with what it holds; how many files that were. Raises NotFound."""
        return self.workspace.api.data.remove(self.name, safe_paths.check(path))

    def _upload(
        self,
        files: Sequence[tuple[Path, str]],
        target_path: str | None,
        overwrite: bool,
        show_progress: bool,
    ) -> DataReference:
        tell = _teller(show_progress, len(files))
        folder = safe_paths.check(target_path or "", "target_path")
        requests = [
            TakeRequest(
                safe_paths.check(f"{folder}/{name}" if folder else name), str(place.absolute()), overwrite
            )
            for place, name in files
        ]
        tell(0, f"Uploading an estimated of {len(files)} files")
        count = 0
        take_file = partial(self.workspace.api.data.take_file, self.name)
        with Progress(f"Uploading to {self.name}", len(files)) as progress:
            for place, (request, written) in enumerate(_at_once(take_file, requests), 1):
                progress.at(place, f"{place:,} of {counted(len(files), 'file')}")
                if not written:
                    tell(place, f"Target already exists. Skipping upload for {request.path}")
                    continue
                count += 1
                tell(place, f"Uploading {request.source}")
                tell(
                    place,
                    f"Uploaded {request.source}, {count} files out of an estimated total of {len(files)}",
                )
            progress.end(counted(count, "file"))
        tell(0, f"Uploaded {count} files")
        return self.path(folder)

    def __str__(self) -> str:
        return str(self.as_mount())

    def __repr__(self) -> str:
        return f"Datastore(workspace={self.workspace!r}, name={self.name!r})"


def _at_once(do: Callable[[T], bool], items: Sequence[T]) -> Iterator[tuple[T, bool]]:
    """Each item with what `do` answers for it, in order; several at a time, since each waits for the disk."""
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="datastore") as pool:
        yield from zip(items, pool.map(do, items), strict=True)


def _teller(show_progress: bool, files: int) -> Callable[[int, str], None]:
    """Tells of the file at a place, from 1; of very many files of so many that a person can read them. 0: of all."""
    each = max(1, files // _TOLD)

    def tell(place: int, line: str) -> None:
        if show_progress and (place % each == 0 or place == files):
            messages.tell(line)

    return tell
