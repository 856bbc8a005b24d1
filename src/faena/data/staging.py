"""Makes a snapshot's folder again. Runs on nodes: standard library only, the manifest as plain values."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from pathlib import Path
from typing import IO, Any, NamedTuple

from faena.kernel import verified_times
from faena.kernel.copying import copy
from faena.kernel.errors import SnapshotException

_PART = 1 << 20
TRUSTED_S = 600.0
"""Seconds for which what was verified is: a disk may lose bits without a word."""


class Verified(NamedTuple):
    """A file whose bytes were those of its digest, and when that was seen, by the monotonic clock."""

    stamp: tuple[int, ...]
    at: float


def materialise(
    files: Iterable[Mapping[str, Any]],
    open_object: Callable[[str], IO[bytes]],
    target: Path,
    verified: MutableMapping[str, Verified] | None = None,
) -> None:
    """Write the files of a manifest into `target`, a folder that must not exist yet.

    `files` holds mappings with `path`, `size`, `digest` and `executable`, the fields of a `SnapshotFile`.
    `open_object` opens the bytes of a digest for reading; each is closed here. Bytes are shared with the object
    where the file system can (reflink), else copied; the files are writable and never hard links, so that a
    script that changes its own source cannot change the object. Modes are 0644, or 0755 where executable.

    `verified`: what was seen of objects before, by digest; a file that nobody has touched since, some minutes ago at
    most, is copied without being verified again. What is seen now is added.

    All paths are checked before anything is written. When a file fails, what was written is removed.

    Raises SnapshotException for a path that could leave `target` or clashes with another one, for a target that
    exists, and for an object that is missing or whose bytes are not the digest's. An OSError of
    `open_object` or of the disk passes through.
    """
    wanted = [(check_path(file["path"]), file) for file in files]
    try:
        target.mkdir(parents=True)
    except FileExistsError:
        raise SnapshotException(
            f"{target} exists already. A snapshot is written into a new folder only; remove it or name another."
        ) from None
    try:
        made = {target}
        for path, file in wanted:
            destination = target / path
            if destination.parent not in made:
                _make_parents(destination.parent, made, path)
            try:
                source = open_object(file["digest"])
            except FileNotFoundError:
                raise _damaged(file, "gone") from None
            with source:
                _write(source, destination, file, verified)
    except BaseException:
        shutil.rmtree(target, ignore_errors=True)
        raise


def check_path(path: object) -> str:
    """A relative path that names one file below the target, spelled in the one way that capture spells it."""
    if not isinstance(path, str) or not path:
        raise SnapshotException(f"A file of the snapshot has the path {path!r}. It must be a relative path.")
    if path.startswith("/") or "\\" in path or "\0" in path:
        raise SnapshotException(
            f"The snapshot's path {path[:200]!r} is absolute or holds a backslash or NUL. Capture it again."
        )
    if any(name in ("", ".", "..") for name in path.split("/")):
        raise SnapshotException(f"The snapshot's path {path[:200]!r} has an empty, '.' or '..' part.")
    return path


def _make_parents(folder: Path, made: set[Path], path: str) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise SnapshotException(
            f"The snapshot's path {path!r} needs a folder where another path of it is a file."
        ) from None
    made.add(folder)


def _write(
    source: IO[bytes],
    destination: Path,
    file: Mapping[str, Any],
    verified: MutableMapping[str, Verified] | None,
) -> None:
    mode = 0o755 if file["executable"] else 0o644
    try:
        out = os.open(destination, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    except (FileExistsError, IsADirectoryError):
        raise SnapshotException(
            f"The snapshot's path {file['path']!r} is there twice, or twice but for case on a file system "
            "that tells no case apart. Rename one in the source folder."
        ) from None
    with os.fdopen(out, "w+b") as sink:
        seen = None if verified is None else stamp(source)
        known = None if verified is None or seen is None else verified.get(file["digest"])
        copy(source, sink)
        sink.flush()
        if (
            known is not None
            and known.stamp == seen == stamp(source)
            and time.monotonic() - known.at < TRUSTED_S
            and os.fstat(out).st_size == file["size"]
        ):
            os.fchmod(out, mode)
            return
        # The copy is what counts, and on the way to it the bytes may not have come by here.
        sink.seek(0)
        digest = hashlib.sha256()
        while part := sink.read(_PART):
            digest.update(part)
        written = sink.tell()
        # The mask of the process does not decide what the manifest says.
        os.fchmod(out, mode)
    if written != file["size"] or digest.hexdigest() != file["digest"]:
        with contextlib.suppress(OSError):  # no file of this host
            verified_times.unseal(source.fileno())
        raise _damaged(file, "damaged")
    if verified is not None and seen is not None:
        verified[file["digest"]] = Verified(seen, time.monotonic())


def stamp(source: IO[bytes]) -> tuple[int, ...] | None:
    """What changes when anybody writes the file, or puts another in its place; None for what is no file."""
    try:
        found = os.fstat(source.fileno())
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _damaged(file: Mapping[str, Any], how: str) -> SnapshotException:
    return SnapshotException(
        f"The bytes of {file['path']!r} are {how} in the workspace (object {file['digest']}, {file['size']:,} bytes). "
        "`faena repair` looks for them elsewhere; or submit from the source folder again."
    )
