"""Makes a workspace from a backup. Needs no server, and imports none of its rooms."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from faena.backups import copies
from faena.backups.model import DATASTORES, OBJECTS, RECORD, BackupRecord, object_path, read_record
from faena.kernel import digests, ids, settings
from faena.kernel.durable import write_atomically
from faena.kernel.errors import WorkspaceException
from faena.workspaces import listing
from faena.workspaces.model import ASLEEP, WorkspaceFolder, adopt_folder

Tell = Callable[[int, int], None]
"""Takes how many objects are there, and how many there will be."""


@dataclass(frozen=True, slots=True)
class Restored:
    workspace: WorkspaceFolder
    record: BackupRecord
    damaged: tuple[str, ...]
    """Objects that the backup says it holds and that are damaged or gone, and files that cannot be read."""


def restore(
    backup: Path, parent: Path, tell: Tell, *, name: str | None = None, allow_damaged: bool = False
) -> Restored:
    """Make the workspace `<parent>/.faena` from a backup; its record is written last.

    Every byte is verified while it is copied. Raises WorkspaceException for what is no whole backup, for one that a
    newer Faena made, for a folder that has a workspace, a name that is taken, and for damage, unless `allow_damaged`.
    """
    record = _record(backup)
    wanted = ids.check_workspace_name(name or record.workspace)
    path = parent.absolute() / settings.WORKSPACE_FOLDER
    _refuse(path, wanted)
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        damaged = _copy_all(backup, path, record, tell)
        if damaged and not allow_damaged:
            shutil.rmtree(path)
            shown = ", ".join(damaged[:3])
            raise WorkspaceException(
                f"{len(damaged)} of {record.objects} objects of the backup are damaged or gone: {shown}. Use another "
                "backup, or --allow-damaged to go on without them."
            )
        write_atomically(path / ASLEEP, json.dumps({"at": record.at}).encode())
        workspace = adopt_folder(parent, record.workspace_id, wanted)
    except OSError as error:
        full = f" The workspace takes {record.size + record.database_size:,} bytes: free some space, or"
        raise WorkspaceException(
            f"The workspace cannot be made in {parent}: {error.strerror or error}."
            f"{full if error.errno in copies.FULL else ' Mend that, or'} choose another folder, and restore again."
        ) from error
    listing.remember(workspace)
    return Restored(workspace, record, tuple(damaged))


def _record(backup: Path) -> BackupRecord:
    path = backup / RECORD
    try:
        data = path.read_bytes()
    except OSError as error:
        raise WorkspaceException(
            f"{backup} holds no whole backup: {path.name} cannot be read ({error.strerror}). It is written last; run "
            "`faena backup` to its end."
        ) from error
    return read_record(data, path)


def _refuse(path: Path, name: str) -> None:
    if (path / "workspace.json").exists():
        raise WorkspaceException(f"{path.parent} has a workspace already. Restore into another folder.")
    if path.exists() and not path.is_dir():
        raise WorkspaceException(f"{path} is no folder. Restore into another folder.")
    if path.exists() and not (path / ASLEEP).exists() and any(path.iterdir()) and not _is_half_made(path):
        raise WorkspaceException(f"{path} is not empty. Restore into another folder.")
    taken = [folder for folder in listing.list_folders() if folder.name == name and folder.path != path]
    if taken:
        raise WorkspaceException(
            f"A workspace {name!r} is in {taken[0].path.parent} already. Give the restored one another name: --name."
        )


def _is_half_made(path: Path) -> bool:
    """Whether an earlier restore was cut short there: it begins with the objects."""
    return {each.name for each in path.iterdir()} <= {
        OBJECTS,
        DATASTORES,
        "faena.db",
        ".faena.db.part",
        copies.PARTIAL,
        ".gitignore",
    }


def _copy_all(backup: Path, path: Path, record: BackupRecord, tell: Tell) -> list[str]:
    def bring(digest: str) -> bool:
        try:
            _copy_verified(object_path(backup, digest), object_path(path, digest), digest)
        except copies.Unreadable:
            return False
        return True

    digests = _listed(backup, record)
    (path / OBJECTS).mkdir(exist_ok=True)
    damaged: list[str] = []
    for number, (digest, is_whole) in enumerate(
        zip(digests, copies.in_parallel(bring, digests), strict=True), 1
    ):
        if not is_whole:
            damaged.append(digest)
        if number % 50 == 0 or number == record.objects:
            tell(number, record.objects)
    if (backup / DATASTORES).is_dir():
        found, unread = copies.copy_tree(backup / DATASTORES, path / DATASTORES)
        copies.remove_others(path / DATASTORES, found)  # of an earlier restore that was cut short
        damaged += [f"{DATASTORES}/{name}" for name in unread]
    database = backup / Path(record.database).name
    try:
        _copy_verified(database, path / "faena.db", record.database_digest, mode=0o600)
    except copies.Unreadable as error:
        raise WorkspaceException(
            f"The database of the backup, {database}, is damaged or gone. Use another backup."
        ) from error
    copies.sync_tree(path)
    return damaged


def _listed(backup: Path, record: BackupRecord) -> list[str]:
    """The digests of all objects that the backup holds."""
    listing = backup / Path(record.list).name
    try:
        data = listing.read_bytes()
    except OSError:
        data = b""
    if digests.of_bytes(data) != record.list_digest:
        raise WorkspaceException(
            f"The list of the backup, {listing}, is damaged or gone. Use another backup."
        )
    return data.decode().split()


def _copy_verified(source: Path, target: Path, digest: str, *, mode: int = 0o444) -> None:
    """Raises Unreadable where the bytes are not those of the digest."""
    copies.copy_object(lambda: source.open("rb"), target, digest, mode=mode)
