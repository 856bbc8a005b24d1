"""Makes a backup while the workspace works. All of it blocks: for a thread of its own.

The database is copied as it is at one moment, a file by SQLite itself, PostgreSQL's row by row into such a file;
readers and the writer go on. Then all objects follow
that it referred to at that moment: none may be collected meanwhile, so the collector waits.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from pathlib import Path
from shutil import disk_usage

import msgspec
from msgspec import Struct, field

from faena.backups import copies, database_copy, retained
from faena.backups.history import KnownBackup, remember, shown_time
from faena.backups.model import DATASTORES, FORMAT, MARK, OBJECTS, BackupRecord, object_path
from faena.backups.schemas import BackupRequest, BackupView
from faena.kernel import settings
from faena.kernel.clock import Clock, Micros
from faena.kernel.durable import write_atomically
from faena.kernel.errors import ServiceException, StorageFull, UserErrorException
from faena.objects.contract import ObjectFiles
from faena.workspaces import database_place
from faena.workspaces.model import WorkspaceFolder, open_folder

Tell = Callable[[BackupView], None]

_TELL_EVERY = 50
_LARGE = 64 << 20


class Parts(Struct, frozen=True):
    """What a backup is made of."""

    workspace: WorkspaceFolder
    objects: ObjectFiles
    clock: Clock
    version: str
    """Of Faena."""


class Taking(Struct):
    """One backup on its way into a folder. The one before stays whole until this one is."""

    parts: Parts
    view: BackupView
    """How far it is."""
    tell: Tell
    asked: BackupRequest
    stopped: threading.Event
    """Set when it is to end before it is whole."""
    _needed: dict[str, int | None] = field(default_factory=dict)
    """Bytes of the objects, None where nobody knows."""
    _database_size: int = 0
    _runs: int = 0

    def take(self) -> None:
        """Raises StorageFull, UserErrorException for a folder that cannot be written, ServiceException when stopped,
        WorkspaceException for a database that is damaged."""
        try:
            self._take(f"faena-{self.parts.clock.now()}")
        except OSError as error:
            if error.errno in copies.FULL:
                raise StorageFull(self._full()) from error
            said = error.strerror or error
            raise UserErrorException(f"{self._folder} cannot hold a backup: {said}.") from error

    @property
    def _folder(self) -> Path:
        return Path(self.view.folder)

    def _take(self, name: str) -> None:
        try:
            outside = self._copy_database(self._folder / f"{name}.db")
            self._copy_objects()
            self._step(outside=outside, unread=self._copy_datastores(self._folder / f"{name}.files"))
            self._seal(name)
        except BaseException:
            if not retained.is_whole(self._folder, _time_of(name)):
                for each in self._folder.glob(f"{name}.*"):
                    if not each.is_dir():  # what was copied of the datastores is for the next try
                        each.unlink()
            raise
        with contextlib.suppress(OSError):  # a workspace on a full disk is backed up all the same
            remember(
                self.parts.workspace.path,
                KnownBackup(
                    str(self._folder),
                    _time_of(name),
                    self.view.objects,
                    self.view.size,
                    self.parts.workspace.id,
                ),
            )
        retained.remove_old(self._folder, self.asked.keep, accept_loss=self.asked.accept_loss)

    def _copy_database(self, target: Path) -> tuple[str, ...]:
        """The datastores that lie elsewhere."""
        at = database_place.place(self.parts.workspace.path)
        with database_copy.opened(at) as source:
            self._needed, self._database_size, self._runs = source.objects, source.size, source.runs
            self._check_loss()
            self._step(of_objects=len(self._needed), size=sum(size or 0 for size in self._needed.values()))
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_atomically(self._folder / MARK, f"{self.parts.workspace.id}\n".encode())
            source.copy(target, self._check_stopped)
        database_copy.check(target)
        elsewhere = (f"{name}: {address}" for name, address in source.locations.items())
        self._step(elsewhere=tuple(elsewhere))
        return tuple(f"{name}: {path}" for name, path in sorted(source.datastores.items()))

    def _check_loss(self) -> None:
        """Raises UserErrorException where most of what the last backup holds would not be in this one."""
        found = retained.loss(self._folder, self._needed, self._runs)
        self._step(loss=found)
        if found and not self.asked.accept_loss:
            raise UserErrorException(
                f"{found} Nothing was backed up. If they were meant to go, run it again with --yes; the backups that "
                "are there stay until newer ones take their place."
            )

    def _copy_datastores(self, target: Path) -> tuple[str, ...]:
        """Files that cannot be read."""
        there = retained.records(self._folder)
        names = {Path(record.datastores).name for record in there}
        for left in self._folder.glob("faena-*.files"):
            if left.name not in names and not target.exists():
                left.rename(target)  # of a backup that was cut short: this one goes on from it
        before = self._folder / Path(there[0].datastores).name if there else None
        files, unread = copies.copy_tree(self.parts.workspace.path / DATASTORES, target, before)
        copies.remove_others(target, files)
        return tuple(f"{DATASTORES}/{each}" for each in unread)

    def _copy_objects(self) -> None:
        copied, size = 0, 0
        missing: list[str] = []
        ordered = sorted(self._needed)
        brought = zip(ordered, copies.in_parallel(self._bring, ordered), strict=True)
        for done, (digest, count) in enumerate(brought, 1):
            if count is None:
                missing.append(digest)
            elif count >= 0:
                copied, size = copied + 1, size + count
            if done % _TELL_EVERY == 0 or done == len(ordered) or (count or 0) > _LARGE:
                self._step(objects=done, copied=copied, bytes_copied=size, missing=tuple(missing))

    def _bring(self, digest: str) -> int | None:
        """Bytes copied, -1 where it is in the folder already, None where it cannot be had."""
        self._check_stopped()
        target = object_path(self._folder, digest)
        if self._has(target, digest):
            return -1
        try:
            return copies.copy_object(lambda: self.parts.objects.open_unverified(digest), target, digest)
        except copies.Unreadable:
            self.parts.objects.found_damaged(digest)
            target.unlink(missing_ok=True)
            return None

    def _has(self, target: Path, digest: str) -> bool:
        try:
            there = target.stat().st_size
        except FileNotFoundError:
            return False
        size = self._needed[digest]
        if self.asked.verify or size is None:
            return copies.digest_of(target) == digest
        return there == size

    def _seal(self, name: str) -> None:
        """The record makes the backup a whole one: all else is on disk before."""
        self._check_stopped()
        database, listing = self._folder / f"{name}.db", self._folder / f"{name}.txt"
        held = sorted(set(self._needed).difference(self.view.missing))
        write_atomically(listing, "".join(f"{digest}\n" for digest in held).encode())
        datastores = self._folder / f"{name}.files"
        copies.sync_tree(self._folder / OBJECTS)
        copies.sync_tree(datastores)
        record = BackupRecord(
            format=FORMAT,
            faena=self.parts.version,
            schema=settings.SCHEMA_VERSION,
            workspace_id=self.parts.workspace.id,
            as_of=self.parts.workspace.as_of,
            workspace=open_folder(self.parts.workspace.path).name,  # it may have been renamed
            at=_time_of(name),
            database=database.name,
            database_digest=copies.digest_of(database),
            database_size=database.stat().st_size,
            list=listing.name,
            list_digest=copies.digest_of(listing),
            objects=len(held),
            size=sum(self._needed[digest] or 0 for digest in held),
            missing=self.view.missing,
            outside=self.view.outside,
            unread=self.view.unread,
            datastores=datastores.name,
            runs=self._runs,
        )
        retained.add(self._folder, record)

    def _step(self, **changes: object) -> None:
        self.view = msgspec.structs.replace(self.view, **changes)
        self.tell(self.view)

    def _check_stopped(self) -> None:
        if self.stopped.is_set():
            raise ServiceException(
                f"The server left before the backup into {self._folder} was whole. Run it again; it goes on from what "
                "is there."
            )

    def _full(self) -> str:
        """Also names what the failed try has just given back."""
        lacking = self._database_size
        for digest, size in self._needed.items():
            if not object_path(self._folder, digest).exists():
                lacking += size or 0
        said = (
            f"The disk that holds {self._folder} is full: the backup needs {lacking:,} bytes more there, "
            f"{disk_usage(self._folder).free:,} are free. Free some space and run it again; it goes on from what is "
            "there."
        )
        whole = retained.records(self._folder)
        return f"{said} The backup of {shown_time(whole[0].at)} in the folder is whole." if whole else said


def _time_of(name: str) -> Micros:
    return int(name.removeprefix("faena-"))
