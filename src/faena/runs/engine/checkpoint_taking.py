"""Takes the checkpoints of an attempt while its script runs: bytes first, then the rows that say what the newest is.

What a newer set replaces goes at once, unless something else refers to it: a script may write a gigabyte a minute.
"""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from faena.db import Database, Write
from faena.kernel import digests, file_names
from faena.kernel.clock import Clock
from faena.kernel.errors import Conflict, UserErrorException
from faena.kernel.lanes import CHECKPOINTS
from faena.kernel.on_host import HostFile
from faena.objects import references
from faena.objects import store as object_rows
from faena.objects.service import Objects
from faena.runs import checkpoint_store, transitions
from faena.runs.checkpoint_store import TakenFile
from faena.runs.engine import attempts
from faena.runs.engine.batches import Rank

MOST_FILES = 10_000


class CheckpointFile(Struct, frozen=True):
    """One that was taken before is told by its `digest`; a new one by its `path`, and how it was when it was whole."""

    name: str
    size: int
    modified: int
    """In ns, as the other times."""
    digest: str = ""
    path: HostFile = ""
    inode: int = 0
    changed: int = 0


class CheckpointSet(Struct, frozen=True):
    files: list[CheckpointFile]
    refused: dict[str, str] = {}
    """By name, why files could not be sent: what was kept under these names before still is."""


class CheckpointTaken(Struct, frozen=True):
    digests: dict[str, str]
    """Of the files that are kept now, by name."""
    refused: dict[str, str]
    """Why others are not: what was kept under these names before still is."""


class Taking(Struct, frozen=True):
    database: Database
    objects: Objects
    clock: Clock

    async def take(self, key: Rank, asked: CheckpointSet) -> CheckpointTaken:
        """Have these be the checkpoint of the rank, in the place of those before. May be repeated."""
        _check(asked)
        new = [file for file in asked.files if file.path]
        refused = dict(asked.refused)
        stored: dict[str, TakenFile] = {}
        now = self.clock.now()
        for file in asked.files:
            if not file.path:
                digests.check(file.digest)
                stored[file.name] = TakenFile(file.name, file.digest, file.size, file.modified, now)
        put = await CHECKPOINTS.run(
            self.objects.files.put_files, [Path(file.path) for file in new], held=True
        )
        held = [each[0] for each in put if not isinstance(each, UserErrorException)]
        try:
            for file, found in zip(new, put, strict=True):
                if isinstance(found, UserErrorException):
                    refused[file.name] = found.message
                elif not _is_as_it_was(file):
                    refused[file.name] = "It was written meanwhile."
                else:
                    stored[file.name] = TakenFile(file.name, *found, file.modified, now)
            gone = await self.database.write(lambda write: _keep(write, key, stored, {*held}, refused))
        finally:
            self.objects.files.release(held)
        if gone and not self.objects.busy.locked():  # else the daily collection takes them
            async with self.objects.busy:
                await CHECKPOINTS.run(self._remove, gone)
        return CheckpointTaken({name: file.digest for name, file in stored.items()}, refused)

    def _remove(self, gone: list[str]) -> None:
        free = [digest for digest in gone if not self.objects.files.is_kept(digest)]
        for start in range(0, len(free), 200):
            part = free[start : start + 200]
            forgotten = self.database.submit_write(
                lambda write: references.forget_objects(write, part, 1 << 62)  # noqa: B023  called at once
            ).result()
            for digest, _ in forgotten:
                self.objects.files.delete(digest)


def _check(asked: CheckpointSet) -> None:
    if len(asked.files) > MOST_FILES:
        raise UserErrorException(f"A checkpoint has {MOST_FILES:,} files at most.")
    if len({file.name for file in asked.files}) < len(asked.files):
        raise UserErrorException("A file of the checkpoint is there twice.")
    if len(asked.refused) > MOST_FILES:
        raise UserErrorException(f"A checkpoint has {MOST_FILES:,} files at most.")
    for file in asked.files:
        if (why := file_names.refusal(file.name)) is not None:
            raise UserErrorException(f"{file.name[:80]!a} {why}.")
        if file.path and (not Path(file.path).is_absolute() or "\0" in file.path):
            raise UserErrorException(f"{file.path[:300]!r} is not an absolute path.")


def _is_as_it_was(file: CheckpointFile) -> bool:
    """Whether what was read is what was whole: nobody has written the file, or put another in its place, since."""
    try:
        status = Path(file.path).stat()
    except OSError:
        return False
    now = (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    return now == (file.inode, file.size, file.modified, file.changed)


def _keep(
    write: Write, key: Rank, given: dict[str, TakenFile], put: set[str], refused: dict[str, str]
) -> list[str]:
    """Digests that may have become of no use. `put`: those whose bytes have just come."""
    attempts.check(write, key.run_id, key.attempt, key.rank)
    before = {file.name: file for file in checkpoint_store.of_attempt(write, *_fields(key))}
    known = put | object_rows.known(write, {file.digest for file in given.values()}).keys()
    if lacking := [name for name, file in given.items() if file.digest not in known]:
        raise Conflict(f"The bytes of {lacking[0][:80]!a} are not here any more. Send them again.")
    kept = {name: _older(file, before.get(name)) for name, file in given.items()}
    kept |= {name: before[name] for name in refused if name in before}
    object_rows.touch(
        write,
        {file.digest: file.size for file in kept.values()},
        max((file.taken_at for file in kept.values()), default=0),
    )
    gone = set(checkpoint_store.replace(write, *_fields(key), kept))
    if kept:
        gone |= set(checkpoint_store.forget_before(write, key.run_id, key.attempt - 1))
    write.notify(transitions.topic(key.run_id))
    return sorted(gone)


def _fields(key: Rank) -> tuple[str, int, int]:
    return key.run_id, key.attempt, key.rank


def _older(file: TakenFile, before: TakenFile | None) -> TakenFile:
    """The same file that was taken before, where it is that."""
    same = before is not None and (before.digest, before.modified) == (file.digest, file.modified)
    return before if same and before is not None else file
