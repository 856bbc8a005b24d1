"""Use cases of datastores: register, find, choose the default; their files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import IO

from faena.data import safe_paths, sources
from faena.data.datastores import store
from faena.data.datastores.model import BUILT_IN, DEFAULT, Datastore, DatastoreKind, place_of
from faena.data.datastores.schemas import DatastoreView, FileEntry, FilesView
from faena.data.safe_paths import Found
from faena.db import Read, Write
from faena.kernel import digests, ids
from faena.kernel.clock import Micros
from faena.kernel.errors import Conflict, FaenaError, NotFound, UserErrorException
from faena.objects.ranges import tag_of
from faena.workspaces.model import WorkspaceFolder


def register(write: Write, name: str, folder: Path, *, overwrite: bool, now: Micros) -> None:
    """Give a folder a name; repeating it has no second effect.

    Raises Conflict when the name stands for another folder, unless `overwrite`, and always for a name that every
    workspace has.
    """
    ids.check_datastore_name(name)
    if name in BUILT_IN:
        raise Conflict(f"Every workspace has its own datastore {name!r}. Choose another name.")
    existing = store.folder(write, name)
    if existing is not None and existing != str(folder) and not overwrite:
        raise Conflict(
            f"The datastore {name!r} stands for {existing} already. Choose another name, or give overwrite=True."
        )
    store.put(write, name, str(folder), now)


def unregister(write: Write, name: str) -> None:
    """Forget a registered folder; its files stay. Raises NotFound, and UserErrorException for one that is built in."""
    if name in BUILT_IN:
        raise UserErrorException(f"Every workspace keeps its datastore {name!r}; it cannot be unregistered.")
    if store.folder(write, name) is None:
        raise _unknown(write, name)
    store.delete(write, name)


def set_default(write: Write, name: str) -> None:
    if name not in BUILT_IN and store.folder(write, name) is None:
        raise _unknown(write, name)
    store.set_default(write, name)


def get(read: Read, name: str, workspace: WorkspaceFolder) -> Datastore:
    """Raises NotFound listing those that there are."""
    for found in list_all(read, workspace):
        if found.name == name:
            return found
    raise _unknown(read, name)


def list_all(read: Read, workspace: WorkspaceFolder) -> list[Datastore]:
    """Those that every workspace has first, then by name."""
    default = store.default_name(read) or DEFAULT
    built_in = [
        Datastore(name, DatastoreKind.WORKSPACE, place_of(workspace, name), name == default)
        for name in BUILT_IN
    ]
    registered = [
        Datastore(name, DatastoreKind.LOCAL_FOLDER, Path(folder), name == default)
        for name, folder in store.folders(read).items()
    ]
    return built_in + registered


def ready(datastore: Datastore) -> Datastore:
    """The datastore with its folder there. Raises UserErrorException when a registered one has gone."""
    if datastore.kind is DatastoreKind.WORKSPACE:
        datastore.folder.mkdir(parents=True, exist_ok=True)
    elif not datastore.folder.is_dir():
        raise UserErrorException(
            f"The folder {datastore.folder} of datastore {datastore.name!r} is gone. Bring it back, or register "
            "the datastore anew with overwrite=True."
        )
    return datastore


def list_files(datastore: Datastore, path: str, *, tagged: bool = False) -> FilesView:
    """Raises NotFound naming path and datastore; an empty datastore has an empty list."""
    files, _, left_out = sources.files_of(ready(datastore).folder, path, datastore.name)
    return FilesView([_entry(file, tagged=tagged) for file in files], left_out)


def _entry(file: Found, *, tagged: bool) -> FileEntry:
    if not tagged:
        return FileEntry(file.path, file.size)
    try:
        status = file.place.stat()
    except FileNotFoundError:  # it went meanwhile: whoever asks for it is told
        return FileEntry(file.path, file.size)
    return FileEntry(file.path, status.st_size, tag_of(status))


def has(datastore: Datastore, path: str, digest: str) -> bool:
    """Whether the file `path` has these bytes."""
    try:
        return digests.of_file(open_file(datastore, path)) == digest
    except (FaenaError, OSError):
        return False


def open_file(datastore: Datastore, path: str) -> Path:
    """Where the file `path` is. Raises NotFound, UserErrorException."""
    try:
        place = safe_paths.resolve(ready(datastore).folder, path)
    except NotFound:
        raise sources.missing(path, datastore.name) from None
    if not place.is_file():
        raise UserErrorException(
            f"{path!r} in the datastore {datastore.name!r} is no file. List it to see what is in it."
        )
    return place


def take_file(datastore: Datastore, path: str, source: Path, *, overwrite: bool) -> bool:
    """Copy a file of this host to `path`; see `contained.write`. Raises UserErrorException for what is no file."""
    # reading a pipe or a device would never end; a NUL or an overlong name is no file either
    if not source.is_absolute() or not _is_file(source):
        raise UserErrorException(
            f"There is no file {str(source)[:300]!r}. Give a regular file's absolute path."
        )
    try:
        file = source.open("rb")
    except OSError as error:
        raise UserErrorException(f"{source} cannot be read: {error.strerror}.") from error
    with file:
        before = _stamp(file)

        def check_unchanged() -> None:
            if _stamp(file) != before:
                raise UserErrorException(f"{source} changed while it was read. Upload it when it is whole.")

        root = ready(datastore).folder
        return safe_paths.write(root, path, file, overwrite=overwrite, before_it_counts=check_unchanged)


def take(datastore: Datastore, path: str, content: IO[bytes], *, overwrite: bool) -> bool:
    """Copy an open file to `path`, and close it; as `take_file`."""
    with content:
        return safe_paths.write(ready(datastore).folder, path, content, overwrite=overwrite)


def view(datastore: Datastore) -> DatastoreView:
    return DatastoreView(
        datastore.name, datastore.kind.value, datastore.type, str(datastore.folder), datastore.is_default
    )


def _stamp(file: IO[bytes]) -> tuple[int, int]:
    status = os.fstat(file.fileno())
    return status.st_mtime_ns, status.st_size


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _unknown(read: Read, name: str) -> NotFound:
    known = ", ".join([*BUILT_IN, *store.folders(read)])
    return NotFound(f"There is no datastore {name[:80]!r} in this workspace. There is: {known}.")
