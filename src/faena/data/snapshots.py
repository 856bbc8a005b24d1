"""Captures a source folder: which files it holds, with which content, at which commit. Runs in the client."""

from __future__ import annotations

import hashlib
import os
import stat
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

from faena.data import git
from faena.data import index as indexes
from faena.data.index import Index, Stamp
from faena.data.scan import NO_LIMIT, Found, Limit, Scan, scan
from faena.data.schemas import Snapshot, SnapshotFile, manifest_digest
from faena.kernel.errors import SnapshotException

_CHUNK = 1024 * 1024
_TRIES = 5
_EXAMPLES = (".env.example", ".env.sample", ".env.template")


class Capture(NamedTuple):
    """What `capture` found. Nothing is stored yet: the caller sends the bytes."""

    snapshot: Snapshot
    diff: bytes | None
    """The bytes of the object `snapshot.git.diff_digest`; None when it is None."""
    warnings: tuple[str, ...]
    """Sentences for the user: what was left out, a file of secrets."""


class Watcher:
    """Hears what a capture does, since a large folder takes long; this one keeps it to itself."""

    def to_read(self, found: Scan, files: Sequence[Found]) -> None:
        """The files whose content is not known, before the first one is read."""

    def read(self, file: Found) -> None:
        """One of them has been read."""


def capture(folder: Path, *, index: Path, limit: Limit = NO_LIMIT, watcher: Watcher | None = None) -> Capture:
    """List the files of `folder` with their digests, and the state of git around it.

    `index` is a file that the caller keeps per source folder (its parent is made when missing): with it only files
    that changed since the last capture are read. It may be deleted at any time. What ignore files name is left out
    (`faena.data.ignore`); a link is captured as the content it points to.

    The bytes of a file are at `folder / file.path`. They may have changed since: whoever sends them compares the
    digest and captures again.

    Raises SnapshotException, naming the file and the remedy, for a folder that is missing, no folder or holds no
    file; for what `faena.data.scan.scan` refuses; for a file that cannot be read or changes all the time.
    """
    root = _root(folder)
    started = time.time_ns()
    with ThreadPoolExecutor(1 + (os.cpu_count() or 1), thread_name_prefix="snapshot") as pool:
        asked = pool.submit(git.inspect, Path(root))
        previous = indexes.load(index, root)
        found = scan(root, previous, limit)
        found.files.sort(key=attrgetter("path"))
        known, read = _digest(found, previous, pool, watcher or Watcher())
        report = asked.result()
    if not known:
        raise SnapshotException(
            f"The source folder {root} holds no file that is not ignored. Choose the folder of the script."
        )
    files = tuple(
        [
            SnapshotFile(path, stamp[0], digest, bool(stamp[4] & stat.S_IXUSR))
            for path, (stamp, digest) in known.items()
        ]
    )
    warnings = [*found.warnings, *_advice(files, found)]
    if report.warning:
        warnings.append(report.warning)
    same = not read and known.keys() == previous.files.keys()
    digest = previous.manifest if same else manifest_digest(files)
    if read or digest != previous.manifest or found.folders != previous.folders:
        try:
            indexes.save(index, Index(root, started, known, found.folders, digest))
        except OSError as error:
            warnings.append(
                f"{index} cannot be written ({error.strerror}): the next snapshot reads all files."
            )
    return Capture(Snapshot(files, digest, report.state), report.diff, tuple(warnings))


def _root(folder: Path) -> str:
    try:
        root = os.path.realpath(folder)
        root.encode()
        status = os.stat(root)  # noqa: PTH116 - strings from here on: Path objects would cost the budget
    except FileNotFoundError:
        raise SnapshotException(
            f"There is no source folder {folder}. Give the folder that holds the training script."
        ) from None
    except (OSError, ValueError) as error:  # ValueError: a NUL or a path that is not UTF-8
        raise SnapshotException(
            f"The source folder {os.fsencode(folder)!r} cannot be opened: {error}. Move or rename it."
        ) from error
    if not stat.S_ISDIR(status.st_mode):
        raise SnapshotException(f"The source folder {folder} is no folder. Give the folder that holds it.")
    return root


def _digest(
    found: Scan, previous: Index, pool: ThreadPoolExecutor, watcher: Watcher
) -> tuple[dict[str, tuple[Stamp, str]], int]:
    """Stamp and digest of each file, in the order given, and how many had to be read."""
    known: dict[str, tuple[Stamp, str]] = {}
    small: list[Found] = []
    large: list[Found] = []
    before, settled = previous.files, previous.settled
    for file in found.files:
        stamp = file.stamp
        entry = before.get(file.path)
        if entry is None or entry[0] != stamp or stamp[1] >= settled or stamp[2] >= settled:
            (large if stamp[0] > _CHUNK else small).append(file)
            entry = stamp, ""
        known[file.path] = entry
    # Threads pay for large files only: hashing leaves the interpreter's lock, opening does not.
    watcher.to_read(found, [*small, *large])
    ahead = pool.map(partial(_read, found), large)
    for file in (*small, *large):
        fresh = next(ahead) if file.stamp[0] > _CHUNK else _read(found, file)
        watcher.read(file)
        if fresh is None:
            del known[file.path]
        else:
            known[file.path] = fresh
    return known, len(small) + len(large)


def _read(found: Scan, file: Found) -> tuple[Stamp, str] | None:
    """Stamp and digest of one moment of a file; None when it has gone."""
    for wait in range(_TRIES):
        time.sleep(0.05 * wait)
        try:
            # Neither a FIFO nor a link that took the file's place since the scan is followed.
            fd = os.open(file.place, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise SnapshotException(
                f"{file.path!r} in the source folder cannot be read: {error.strerror}. "
                f"Give this user the right to read it, or {found.advice(file.path)}."
            ) from error
        try:
            before = os.fstat(fd)
            digest, size = _digest_fd(fd)
            after = os.fstat(fd)
        except OSError as error:
            raise SnapshotException(
                f"{file.path!r} in the source folder cannot be read: {error.strerror}."
            ) from error
        finally:
            os.close(fd)
        stamp = indexes.stamp(after)
        if stat.S_ISREG(after.st_mode) and stamp == indexes.stamp(before) and size == after.st_size:
            return stamp, digest
    raise SnapshotException(
        f"{file.path!r} in the source folder changes while it is read. Stop what writes to it, "
        f"or {found.advice(file.path)}."
    )


def _digest_fd(fd: int) -> tuple[str, int]:
    total, size = hashlib.sha256(), 0
    while chunk := os.read(fd, _CHUNK):
        total.update(chunk)
        size += len(chunk)
    return total.hexdigest(), size


def _advice(files: tuple[SnapshotFile, ...], found: Scan) -> list[str]:
    advice = []
    for file in files:
        if ".env" not in file.path:
            continue
        name = file.path.rpartition("/")[2]
        if name == ".env" or (name.startswith(".env.") and name not in _EXAMPLES):
            advice.append(
                f"{file.path} is part of the snapshot. If it holds secrets, {found.advice(file.path)}."
            )
    return advice
