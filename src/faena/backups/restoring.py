"""Makes a workspace from a backup. Needs no server, and imports none of its rooms."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct

from faena.backups import copies, retained, set_aside
from faena.backups.history import KnownBackup, remember, shown_time
from faena.backups.model import (
    DATASTORES,
    LARGEST_RECORD,
    OBJECTS,
    RECORD,
    BackupRecord,
    object_path,
    read_record,
)
from faena.backups.retained import listed
from faena.kernel import ids, settings
from faena.kernel.durable import write_atomically
from faena.kernel.errors import WorkspaceException
from faena.workspaces import listing
from faena.workspaces.model import ASLEEP, WorkspaceFolder, adopt_folder

Tell = Callable[[int, int], None]
"""Takes how many objects are there, and how many there will be."""
_SHOWN_TO_S = 60.0
"""Times of backups are shown to the minute."""


class Restored(Struct, frozen=True):
    workspace: WorkspaceFolder
    record: BackupRecord
    damaged: tuple[str, ...]
    """Objects that the backup says it holds and that are damaged or gone, and files that cannot be read."""
    before: Path | None
    """Where the workspace lies that was there before."""


def restore(
    backup: Path,
    parent: Path,
    tell: Tell,
    *,
    name: str | None = None,
    allow_damaged: bool = False,
    at: str | None = None,
    replace: bool = False,
) -> Restored:
    """Make the workspace `<parent>/.faena` from a backup; its record is written last.

    `at`: the newest backup that was made until then, such as `2026-11-29 13:05` (UTC); default: the newest.
    `replace`: where the workspace is there and no server works on it, it is put aside into the one that is made.

    Every byte is verified while it is copied. Raises WorkspaceException for what is no whole backup, for one that a
    newer Faena made, for a folder that has a workspace, a name that is taken, and for damage, unless `allow_damaged`;
    then all is as it was.
    """
    record = _record(backup) if at is None else _until(backup, at)
    wanted = ids.check_workspace_name(name or record.workspace)
    path = parent.absolute() / settings.WORKSPACE_FOLDER
    with set_aside.put_aside(path, record.workspace_id) if replace else nullcontext() as before:
        _refuse(path, wanted)
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            damaged = _copy_all(backup, path, record, tell)
            if damaged and not allow_damaged:
                shutil.rmtree(path)
                shown = ", ".join(damaged[:3])
                raise WorkspaceException(
                    f"{len(damaged)} of {record.objects} objects of the backup are damaged or gone: {shown}. Use "
                    "another backup, or --allow-damaged to go on without them."
                )
            write_atomically(path / ASLEEP, json.dumps({"at": record.at}).encode())
            remember(
                path, KnownBackup(str(backup), record.at, record.objects, record.size, record.workspace_id)
            )
            workspace = adopt_folder(parent, record.workspace_id, wanted, record.as_of)
        except OSError as error:
            full = f" The workspace takes {record.size + record.database_size:,} bytes: free some space, or"
            raise WorkspaceException(
                f"The workspace cannot be made in {parent}: {error.strerror or error}."
                f"{full if error.errno in copies.FULL else ' Mend that, or'} choose another folder, and restore again."
            ) from error
    listing.remember(workspace)
    return Restored(workspace, record, tuple(damaged), before)


def _record(backup: Path) -> BackupRecord:
    path = backup / RECORD
    try:
        data = copies.read_file(path, LARGEST_RECORD)
    except OSError as error:
        raise WorkspaceException(
            f"{backup} holds no whole backup: {path.name} cannot be read ({error.strerror}). It is written last; run "
            f"`faena backup` to its end.{_others(backup)}"
        ) from error
    try:
        return read_record(data, path)
    except WorkspaceException as error:
        raise WorkspaceException(f"{error.message}{_others(backup)}") from error


def _others(backup: Path) -> str:
    found = retained.records(backup)
    shown = ", ".join(shown_time(record.at) for record in found[:5])
    return f" The folder also holds backups of {shown}: choose one by --at." if found else ""


def _until(backup: Path, at: str) -> BackupRecord:
    """The newest backup of the folder that was made until then."""
    try:
        given = datetime.fromisoformat(at.removesuffix(" UTC"))
    except ValueError as error:
        raise WorkspaceException(
            f"{at[:80]!r} is no time. Give one as `faena restore --list` shows it, such as '2026-11-29 13:05'."
        ) from error
    latest = (given if given.tzinfo else given.replace(tzinfo=UTC)).timestamp() + _SHOWN_TO_S
    there = retained.records(backup)
    if found := next((record for record in there if record.at / 1e6 < latest), None):
        return found
    shown = ", ".join(shown_time(record.at) for record in there[:10]) or "none"
    raise WorkspaceException(f"{backup} holds no backup of {at[:80]} or before. There is: {shown}.")


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
            _copy_verified(object_path(backup, digest), object_path(path, digest), digest, record.size)
        except copies.Unreadable:
            return False
        return True

    digests = listed(backup, record)
    (path / OBJECTS).mkdir(exist_ok=True)
    damaged: list[str] = []
    for number, (digest, is_whole) in enumerate(
        zip(digests, copies.in_parallel(bring, digests), strict=True), 1
    ):
        if not is_whole:
            damaged.append(digest)
        if number % 50 == 0 or number == record.objects:
            tell(number, record.objects)
    datastores = backup / record.datastores
    if datastores.is_dir():
        found, unread = copies.copy_tree(datastores, path / DATASTORES)
        copies.remove_others(path / DATASTORES, found)  # of an earlier restore that was cut short
        damaged += [f"{DATASTORES}/{name}" for name in unread]
    database = backup / record.database
    try:
        _copy_verified(database, path / "faena.db", record.database_digest, record.database_size, mode=0o600)
    except copies.Unreadable as error:
        raise WorkspaceException(
            f"The database of the backup, {database}, is damaged or gone. Use another backup."
        ) from error
    copies.sync_tree(path)
    return damaged


def _copy_verified(source: Path, target: Path, digest: str, most: int, *, mode: int = 0o444) -> None:
    """Raises Unreadable where the bytes are not those of the digest, or more than `most`."""
    copies.copy_object(lambda: copies.opened_file(source, most), target, digest, mode=mode)
