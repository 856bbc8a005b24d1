"""The folder on disk: written so that it is whole or says that it is not, read so that nothing leads out of it."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import stat
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO

from faena.kernel.copying import copy
from faena.kernel.errors import StorageFull, UserErrorException
from faena.portable.model import CHILDREN, LONGEST_JSON, MANIFEST, MOST_FILES, UNFINISHED, FileEntry, Manifest

_CHUNK = 1 << 20
_FULL = (errno.ENOSPC, errno.EDQUOT)


class Writer:
    """Writes the files of one run into a folder that this process has made."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.entries: list[FileEntry] = []

    def write(self, path: str, parts: Iterable[bytes], *, mode: int = 0o644) -> FileEntry:
        hasher, size = hashlib.sha256(), 0
        with self._new(path, mode) as file:
            for part in parts:
                hasher.update(part)
                size += file.write(part)
        return self._keep(path, size, hasher.hexdigest())

    def copy(
        self,
        path: str,
        source: IO[bytes],
        digest: str,
        damaged: Callable[[str], Exception],
        *,
        executable: bool = False,
    ) -> FileEntry:
        """A file of its own, sharing blocks with the source where the file system can. Never a hard link.

        Raises what `damaged` makes of the digest where the bytes are not its.
        """
        with source, self._new(path, 0o755 if executable else 0o644) as file:
            copy(source, file)
            file.flush()
            file.seek(0)
            found = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]  # opened for both
            size = file.seek(0, os.SEEK_END)
        if found != digest:
            raise damaged(digest)
        return self._keep(path, size, digest)

    def finish(self, manifest: Callable[[tuple[FileEntry, ...]], bytes], *, settle: bool) -> str:
        """Write the manifest, with `settle` once all else that was written is on the disk; its digest."""
        if settle:
            os.sync()
        data = manifest(tuple(sorted(self.entries, key=lambda entry: entry.path)))
        with self._new(MANIFEST, 0o644) as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        return hashlib.sha256(data).hexdigest()

    def _new(self, path: str, mode: int) -> IO[bytes]:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        return os.fdopen(os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode), "w+b")

    def _keep(self, path: str, size: int, digest: str) -> FileEntry:
        entry = FileEntry(path, size, digest)
        self.entries.append(entry)
        if len(self.entries) > MOST_FILES:
            raise UserErrorException(f"The run has more than {MOST_FILES:,} files: too many for a folder.")
        return entry


def discard(root: Path, but: str = "") -> None:
    """Remove what an export has written; of the folder's own, the one entry `but` at most stays."""
    for path in root.iterdir():
        if path.name == but:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    if not but:
        root.rmdir()


def translated(error: OSError, root: Path) -> Exception:
    if error.errno in _FULL:
        return StorageFull(f"The disk that holds {root} is full. Free some space and try again.")
    return UserErrorException(
        f"{error.filename or root} cannot be written or read: {error.strerror or error}."
    )


def read_json(root: Path, name: str) -> bytes:
    """A manifest or record. Raises UserErrorException where it is missing, too large or no file."""
    path = root / name
    try:
        status = path.lstat()
    except FileNotFoundError:
        what = (
            "It is no exported run, or its export was cut short." if name == MANIFEST else "It is not whole."
        )
        raise UserErrorException(f"There is no {name} in {root}. {what} Export the run anew.") from None
    if not stat.S_ISREG(status.st_mode):
        raise UserErrorException(f"{path} is no regular file. Export the run anew.")
    if status.st_size > LONGEST_JSON:
        raise UserErrorException(f"{path} has {status.st_size:,} bytes; {LONGEST_JSON:,} are read at most.")
    return path.read_bytes()


def verify(root: Path, manifest: Manifest) -> None:
    """See that the folder holds what the manifest says, byte by byte, and nothing else.

    Raises UserErrorException naming the first file that is wrong: missing, of other bytes, a link, not in the manifest.
    """
    wanted = {entry.path: entry for entry in manifest.files}
    found = set(_walk(root))
    for path in sorted(found - wanted.keys()):
        raise UserErrorException(
            f"{path[:300]!a} in {root} is not in its {MANIFEST}. Remove it, or export the run anew."
        )
    for path in sorted(wanted.keys() - found):
        raise UserErrorException(
            f"{path[:300]!r} is missing in {root}: it is not whole. Export the run anew."
        )
    for path, entry in wanted.items():
        if (root / path).stat().st_size != entry.size or digest_of(root / path) != entry.sha256:
            raise UserErrorException(
                f"{path[:300]!r} in {root} is not what it was when the run was exported: its SHA-256 is not that of "
                f"{MANIFEST}. Copy it anew, or export the run anew."
            )


def digest_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _walk(root: Path) -> Iterable[str]:
    """All files but the manifest and the children, by path. Raises UserErrorException for what is no file or folder."""
    pending, count = [""], 0
    while pending:
        below = pending.pop()
        with os.scandir(root / below) as entries:
            for entry in entries:
                path = f"{below}/{entry.name}" if below else entry.name
                if path in (MANIFEST, CHILDREN, UNFINISHED):
                    continue
                count += 1
                if count > 2 * MOST_FILES:
                    raise UserErrorException(
                        f"{root} holds more than {2 * MOST_FILES:,} files: it cannot be a run's."
                    )
                if entry.is_dir(follow_symlinks=False):
                    pending.append(path)
                elif entry.is_file(follow_symlinks=False):
                    yield path
                else:
                    raise UserErrorException(
                        f"{path[:300]!a} in {root} is a link or no regular file, which an exported run has none of. "
                        "Export the run anew."
                    )
