"""Finds objects that are damaged or gone and brings them back from wherever their bytes are. Blocks."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import sqlalchemy as sa
from msgspec import Struct

from faena.backups import copies, recovery_sources
from faena.backups.damage import Use, uses
from faena.backups.history import known
from faena.backups.schemas import DamagedObject, RepairRequest, RepairView
from faena.data.datastores import store as datastores
from faena.db import Database, Read, Write
from faena.kernel import settings
from faena.kernel.clock import Clock
from faena.kernel.errors import NotFound, ObjectDamaged, UserErrorException
from faena.models.store import versions
from faena.objects import store as rows
from faena.objects.contract import ObjectFiles
from faena.objects.references import referred
from faena.runs import record_store
from faena.workspaces.model import WorkspaceFolder

_NOTE = "damaged"
_AT_ONCE = 2


class Repair(Struct, frozen=True):
    """One look at all objects that something refers to."""

    workspace: WorkspaceFolder
    database: Database
    objects: ObjectFiles
    clock: Clock

    def make(self, asked: RepairRequest) -> RepairView:
        """Raises UserErrorException for a folder to look in that is not there."""
        given = [_folder(path) for path in asked.folders]
        wanted = self.database.submit_read(referred, unlimited=True).result()
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="repair") as pool:
            self.objects.look_ahead(wanted)
            look = partial(self._wrong, deep=asked.deep)
            states = dict(zip(wanted, pool.map(look, wanted), strict=True))
        bad = {digest: said for digest, said in states.items() if said}
        found: dict[str, str] = {}

        def take(digest: str, path: Path) -> bool:
            if not self._take(digest, path, dry_run=asked.dry_run):
                return False
            found[digest] = str(path)
            return True

        if bad:
            backups = [*given, *(Path(each.folder) for each in known(self.workspace.path))]
            folders = [*given, *self._folders()]
            sizes = {digest: wanted[digest] for digest in bad}
            recovery_sources.find(sizes, backups, self.workspace.indexes, folders, take)
        used = self.database.submit_read(
            lambda read: {digest: uses(read, digest) for digest in bad}, unlimited=True
        ).result()
        if not asked.dry_run:
            self._mark(used, {digest for digest in bad if digest not in found})
        return RepairView(
            looked_at=len(wanted),
            damaged=[
                DamagedObject(
                    digest, said, wanted[digest], [use.name for use in used[digest]], found.get(digest, "")
                )
                for digest, said in sorted(bad.items())
            ],
        )

    def _wrong(self, digest: str, *, deep: bool) -> str:
        """`missing` or `damaged`; empty where it is neither."""
        try:
            self.objects.check(digest)
            if deep:
                with self.objects.open(digest) as file:
                    while file.read(1 << 20):
                        pass
        except NotFound:
            return "missing"
        except ObjectDamaged as error:
            return "missing" if " is gone " in error.message else "damaged"
        except OSError:
            return "damaged"
        return ""

    def _take(self, digest: str, path: Path, *, dry_run: bool) -> bool:
        """Whether the file has the bytes; then the store has them, too, unless this is a preview."""
        try:
            if copies.digest_of(path) != digest:
                return False
            if not dry_run:
                kept, size = self.objects.put_file(path)
                if kept != digest:
                    return False
                now = self.clock.now()
                self.database.submit_write(lambda write: rows.touch(write, {digest: size}, now)).result()
        except (OSError, UserErrorException):
            return False
        return True

    def _folders(self) -> Iterator[Path]:
        """Places that Faena itself has bytes in, or has taken them from."""
        yield self.workspace.attempts
        yield from self.workspace.path.glob("before-restore-*")
        yield self.workspace.path / "datastores"
        yield settings.home_path() / "datasets"
        for path in self.database.submit_read(_known_places).result():
            if os.path.isabs(path):  # noqa: PTH117  as it was given, whatever it is
                yield Path(path)

    def _mark(self, used: dict[str, list[Use]], lost: set[str]) -> None:
        """Have each run say what of it is lost, for as long as it is."""

        def mark(write: Write) -> None:
            record_store.forget_notes(write, _NOTE)
            for digest in sorted(lost):
                for use in used[digest]:
                    if use.run_id is not None:
                        said = f"{use.name} is damaged or gone, and no other copy of it was found (object {digest})."
                        record_store.add_note(write, use.run_id, _NOTE, said, about=f"{use.name} is")

        self.database.submit_write(mark).result()


def _known_places(read: Read) -> list[str]:
    """Folders of datastores, and what models were registered from on this machine."""
    local = sa.select(versions.c.path).where(versions.c.run_id.is_(None)).distinct()
    return [*datastores.folders(read).values(), *(row.path for row in read.execute(local))]


def _folder(path: str) -> Path:
    if "\0" in path or not os.path.isabs(path) or not os.path.isdir(path):  # noqa: PTH117, PTH112  takes any text
        raise UserErrorException(f"There is no folder {path[:300]!r} to look in. Give an absolute path.")
    return Path(path)
