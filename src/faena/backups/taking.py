"""Makes a backup while the workspace works. All of it blocks: for a thread of its own.

The database is copied as it is at one moment, by SQLite itself; readers and the writer go on. Then all objects follow
that the copy refers to: nothing that is collected meanwhile may be among them, so the collector waits.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import sqlalchemy as sa

from faena.backups.model import DATASTORES, FORMAT, OBJECTS, RECORD, BackupRecord, object_path
from faena.backups.schemas import BackupView
from faena.data.datastores import store as datastores
from faena.db import Read
from faena.kernel import settings
from faena.kernel.clock import Clock, Micros
from faena.kernel.copying import copy
from faena.kernel.durable import sync_folder, write_atomically
from faena.kernel.errors import FaenaError, NotFound, StorageFull, UserErrorException
from faena.objects.files import ObjectFiles
from faena.objects.references import referred
from faena.workspaces.model import WorkspaceFolder

Tell = Callable[[BackupView], None]

_FULL = (errno.ENOSPC, errno.EDQUOT)
_TELL_EVERY = 50


@dataclass(frozen=True, slots=True)
class Parts:
    """What a backup is made of."""

    workspace: WorkspaceFolder
    objects: ObjectFiles
    clock: Clock
    version: str
    """Of Faena."""


def check_target(folder: Path, workspace: WorkspaceFolder) -> None:
    """Raises UserErrorException for a folder that cannot hold backups of this workspace."""
    if "\0" in str(folder) or not folder.is_absolute():
        raise UserErrorException(
            f"{str(folder)[:300]!r} is not an absolute path. Give the folder of the backup."
        )
    target = folder.resolve()
    if target == workspace.path or workspace.path in target.parents:
        raise UserErrorException(
            f"{folder} lies in the workspace itself. A backup belongs elsewhere, at best on another disk."
        )
    try:
        if not target.exists() or not any(target.iterdir()):
            return
        mark = target / _MARK
        owner = mark.read_text().strip() if mark.exists() else ""
    except (NotADirectoryError, PermissionError) as error:
        raise UserErrorException(f"{folder} cannot hold a backup: {error.strerror}.") from error
    if not owner:
        raise UserErrorException(
            f"{folder} is not empty and holds no backup. Give an empty folder, or a new one."
        )
    if owner != workspace.id:
        raise UserErrorException(
            f"{folder} holds backups of another workspace ({owner[:80]}). Give each workspace a folder of its own."
        )


def take(parts: Parts, view: BackupView, tell: Tell, *, verify: bool) -> BackupView:
    """Make the folder's backup anew; the one before stays whole until this one is.

    Raises StorageFull, and UserErrorException for a folder that cannot be written.
    """
    folder = Path(view.folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / _MARK, f"{parts.workspace.id}\n".encode())
        return _take(parts, folder, view, tell, verify=verify)
    except OSError as error:
        if error.errno in _FULL:
            raise StorageFull(
                f"The disk that holds {folder} is full: {view.size:,} bytes are to be there in all. Free some space "
                "and run the backup again; it goes on from what is there. An earlier backup in the folder is whole."
            ) from error
        raise UserErrorException(f"{folder} cannot hold a backup: {error.strerror or error}.") from error


def _take(parts: Parts, folder: Path, view: BackupView, tell: Tell, *, verify: bool) -> BackupView:
    at = parts.clock.now()
    database, listing = folder / f"faena-{at}.db", folder / f"faena-{at}.txt"
    _copy_database(parts.workspace.database, database)
    try:
        needed, stores = _read(database)
        view = replace_view(view, of_objects=len(needed), size=sum(size or 0 for size in needed.values()))
        tell(view)
        for step in _copy_objects(parts.objects, needed, folder, view, verify=verify):
            view = step
            tell(step)
        outside = _copy_datastores(parts.workspace, stores, folder)
        view = replace_view(view, outside=outside)
        kept = [digest for digest in sorted(needed) if digest not in view.missing]
        listing.write_text("".join(f"{digest}\n" for digest in kept))
        os.sync()
        record = BackupRecord(
            format=FORMAT,
            faena=parts.version,
            schema=settings.SCHEMA_VERSION,
            workspace_id=parts.workspace.id,
            workspace=parts.workspace.name,
            at=at,
            database=database.name,
            database_digest=_digest(database),
            database_size=database.stat().st_size,
            list=listing.name,
            list_digest=_digest(listing),
            objects=len(kept),
            size=view.size,
            missing=view.missing,
            outside=outside,
        )
        write_atomically(folder / RECORD, msgspec.json.format(msgspec.json.encode(record), indent=2))
    except BaseException:
        database.unlink(missing_ok=True)
        listing.unlink(missing_ok=True)
        raise
    _remove_what_is_old(folder, at, set(needed))
    return view


def _remove_what_is_old(folder: Path, at: Micros, needed: set[str]) -> None:
    for older in (*folder.glob("faena-*.db"), *folder.glob("faena-*.txt")):
        if older.stem != f"faena-{at}":
            older.unlink()
    for older in folder.glob(f"{OBJECTS}/??/*"):
        if older.name not in needed:
            older.unlink()


def replace_view(view: BackupView, **changes: object) -> BackupView:
    return msgspec.structs.replace(view, **changes)


def _copy_database(source: Path, target: Path) -> None:
    with contextlib.closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as reading:
        reading.execute("BEGIN")
        reading.execute("SELECT 1 FROM schema_version").fetchone()  # from here on it is one moment's view
        with contextlib.closing(sqlite3.connect(target)) as writing:
            reading.backup(writing)
    with target.open("rb") as file:
        os.fsync(file.fileno())


def _read(database: Path) -> tuple[dict[str, int | None], dict[str, str]]:
    """The objects that the copy refers to, and the datastores that it knows, by name."""
    engine = sa.create_engine(f"sqlite:///{database}", poolclass=sa.NullPool)
    with engine.connect() as connection:
        read = Read(connection)
        return referred(read), datastores.folders(read)


def _copy_objects(
    objects: ObjectFiles, needed: dict[str, int | None], folder: Path, view: BackupView, *, verify: bool
) -> Iterator[BackupView]:
    for number, (digest, size) in enumerate(sorted(needed.items()), 1):
        target = object_path(folder, digest)
        copied = 0
        if not _has(target, digest, size, verify=verify):
            try:
                copied = _copy_object(objects, digest, target)
            except FaenaError:
                target.unlink(missing_ok=True)
                view = replace_view(view, missing=(*view.missing, digest))
            else:
                view = replace_view(view, copied=view.copied + 1, bytes_copied=view.bytes_copied + copied)
        view = replace_view(view, objects=number)
        if number % _TELL_EVERY == 0 or number == len(needed) or copied > 1 << 26:
            yield view


def _has(target: Path, digest: str, size: int | None, *, verify: bool) -> bool:
    try:
        there = target.stat().st_size
    except FileNotFoundError:
        return False
    return there == size and (not verify or _digest(target) == digest)


def _copy_object(objects: ObjectFiles, digest: str, target: Path) -> int:
    """Bytes copied. Raises NotFound, also for bytes that are not those of the digest."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{digest}.part")
    try:
        with objects.open(digest) as source, partial.open("w+b") as file:
            copy(source, file)
            file.flush()
            if _digest(partial) != digest:
                raise NotFound(f"The bytes of object {digest} are damaged.")
            size = os.fstat(file.fileno()).st_size
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return size


def _copy_datastores(workspace: WorkspaceFolder, known: dict[str, str], folder: Path) -> tuple[str, ...]:
    """Files of the workspace's own datastores follow; what is unchanged since the last backup is there already."""
    own = workspace.path / DATASTORES
    if own.is_dir():
        for place, names, files in os.walk(own):
            names[:] = [name for name in names if not Path(place, name).is_symlink()]
            target = folder / DATASTORES / Path(place).relative_to(own)
            target.mkdir(parents=True, exist_ok=True)
            for name in files:
                source = Path(place, name)
                if source.is_file() and not source.is_symlink() and not _is_same(source, target / name):
                    shutil.copy2(source, target / name)
            sync_folder(target)
    return tuple(f"{name}: {path}" for name, path in sorted(known.items()))


def _is_same(source: Path, target: Path) -> bool:
    try:
        there = target.stat()
    except FileNotFoundError:
        return False
    ours = source.stat()
    return (there.st_size, there.st_mtime_ns) == (ours.st_size, ours.st_mtime_ns)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


_MARK = ".faena-backup"
"""Names the workspace whose backups the folder holds, from the first moment on."""
