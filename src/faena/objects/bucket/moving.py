"""Brings all objects from a folder to a bucket, or back, each verified on its way.

What a kill leaves is gone on with: an object has its name there when all its bytes have come, and what is there is not
sent again. One part of 256 is looked at at a time, so that there is no list of all.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from msgspec import Struct

from faena.kernel.durable import sync_folder
from faena.objects.bucket.cache import LOCK
from faena.objects.bucket.files import BOOT, DAMAGED
from faena.objects.bucket.store import Bucket
from faena.objects.files import FolderObjects

_TOGETHER = 16
_PARTS = [f"{number:02x}" for number in range(256)]


class Moved(Struct, frozen=True):
    """How far it is, or came."""

    objects: int = 0
    size: int = 0
    """Bytes."""
    brought: int = 0
    """Of these objects: they were not there yet."""
    damaged: tuple[str, ...] = ()
    """Digests of some that are not what they are called; they stay where they are."""


_MOST_NAMED = 1000
Tell = Callable[[Moved], None]


def to_bucket(folder: Path, bucket: Bucket, tell: Tell = lambda moved: None) -> Moved:
    """`folder`: of the objects. Raises StoreUnavailable, and WorkspaceException where the bucket is another's."""
    bucket.claim()
    moved = Moved()
    with ThreadPoolExecutor(_TOGETHER, thread_name_prefix="move") as pool:
        for part in _PARTS:
            here = dict(_files(folder / part))
            there = dict(bucket.listed(part)) if here else {}
            moved = _added(moved, here, pool.map(partial(_sent, folder, bucket, there), here))
            tell(moved)
    return moved


def to_folder(bucket: Bucket, folder: Path, tell: Tell = lambda moved: None) -> Moved:
    """`folder`: of the objects, which survive power loss there at the end. Raises StoreUnavailable, StorageFull."""
    moved = Moved()
    objects = FolderObjects(folder)
    with ThreadPoolExecutor(_TOGETHER, thread_name_prefix="move") as pool:
        for part in _PARTS:
            there = dict(bucket.listed(part))
            moved = _added(moved, there, pool.map(partial(_fetched, objects, bucket, there), there))
            if (folder / part).is_dir():
                sync_folder(folder / part)
            tell(moved)
    sync_folder(folder)
    return moved


def forget_cache(folder: Path) -> None:
    """Leave in a folder that has all objects nothing of what it was the cache of."""
    for name in (LOCK, BOOT):
        (folder / name).unlink(missing_ok=True)
    shutil.rmtree(folder / DAMAGED, ignore_errors=True)


def _added(moved: Moved, sizes: dict[str, int], done: Iterator[bool | None]) -> Moved:
    """`done`: of each, whether it was brought; None for one that is damaged."""
    found = dict(zip(sizes, done, strict=True))
    damaged = [digest for digest, brought in found.items() if brought is None]
    return Moved(
        moved.objects + len(sizes) - len(damaged),
        moved.size + sum(size for digest, size in sizes.items() if found[digest] is not None),
        moved.brought + sum(brought is True for brought in found.values()),
        (*moved.damaged, *damaged)[:_MOST_NAMED],
    )


def _files(folder: Path) -> Iterator[tuple[str, int]]:
    if folder.is_dir():
        for entry in os.scandir(folder):
            yield entry.name, entry.stat(follow_symlinks=False).st_size


def _sent(folder: Path, bucket: Bucket, there: dict[str, int], digest: str) -> bool | None:
    path = folder / digest[:2] / digest
    if path.is_symlink() or not path.is_file():
        return None
    with path.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != digest:
            return None
        size = file.tell()
    if there.get(digest) == size:
        return False
    bucket.put(digest, path if size else b"")
    return True


def _fetched(objects: FolderObjects, bucket: Bucket, there: dict[str, int], digest: str) -> bool | None:
    if objects.size(digest) == there[digest]:
        with objects.open_unverified(digest) as file:
            os.fsync(file.fileno())  # as the cache of a bucket it was not
        return False
    incoming = objects.begin()
    try:
        for part in bucket.read(digest):
            incoming.write(part)
        if incoming.digest != digest:
            return None
        incoming.keep()
    except KeyError:  # gone since it was listed
        return None
    finally:
        incoming.close()
    return True
