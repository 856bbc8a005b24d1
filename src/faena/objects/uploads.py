"""Uploads in pieces, of bytes that are known by their digest: one that broke off goes on where it was.

    <workspace>/uploads/<digest>   what has come so far

A piece counts where the ones before it end, so that one that is sent twice, or by two at once, does no harm. The whole
is verified when its last piece is there; what power loss or a wrong piece has spoiled is thrown away then.
"""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import time
from pathlib import Path
from weakref import WeakValueDictionary

from msgspec import Struct

from faena.kernel import digests, disk_space
from faena.kernel.errors import UserErrorException
from faena.kernel.lanes import FEW_BYTES
from faena.objects.service import Objects

KEPT_S = 86_400.0
"""Seconds after its last piece for which an unfinished upload is kept."""


class UploadView(Struct, frozen=True):
    offset: int
    """So many bytes are here; the next piece begins there."""
    kept: bool
    """All are here, verified: the object can be referred to."""


class Uploads:
    def __init__(self, folder: Path, objects: Objects) -> None:
        self._folder = folder
        self._objects = objects
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def look(self, digest: str) -> UploadView:
        """How much is here; what is kept stays for an hour at least."""
        if not await self._objects.missing([digest]):
            return UploadView(self._objects.files.size(digest) or 0, kept=True)
        return UploadView(await asyncio.to_thread(_size, self._folder / digest), kept=False)

    async def append(self, digest: str, offset: int, size: int, data: bytes) -> UploadView:
        """Take a piece of an object of `size` bytes; one that does not begin where the last one ended is left out.

        Raises UserErrorException where the whole has another digest, which is thrown away then, and StorageFull.
        """
        if offset + len(data) > size:
            raise UserErrorException(
                f"The piece ends at byte {offset + len(data)} of an object of {size}. Send what belongs to it."
            )
        turn = self._turns.setdefault(digest, asyncio.Lock())
        async with turn:
            found = await self.look(digest)
            if found.kept:
                return found
            part = self._folder / digest
            there = await FEW_BYTES.run(_append, part, offset, size, data)
            if there < size:
                return UploadView(there, kept=False)
            await self._keep(part, digest)
            return UploadView(size, kept=True)

    async def _keep(self, part: Path, digest: str) -> None:
        try:
            found, _ = await self._objects.put_file(part, take=True)
        finally:
            part.unlink(missing_ok=True)
        if found != digest:
            raise UserErrorException(
                f"The bytes sent have digest {found}, not {digest}: they changed meanwhile. Send them again."
            )


def sweep(folder: Path) -> int:
    """Remove uploads that nobody goes on with; how many."""
    before = time.time() - KEPT_S
    old = [path for path in folder.iterdir() if path.stat().st_mtime < before] if folder.is_dir() else []
    for path in old:
        if path.is_dir():  # where a run was exported or imported, when the server was killed
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    return len(old)


def _append(part: Path, offset: int, size: int, data: bytes) -> int:
    """How many bytes are there then. Raises StorageFull, keeping what was there."""
    part.parent.mkdir(mode=0o700, exist_ok=True)
    descriptor = os.open(part, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "r+b", buffering=0) as file:
        there = file.seek(0, os.SEEK_END)
        if there > size:  # of one who gave another size
            there = file.truncate(0)
        if there != offset:
            return there
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[os.pwrite(file.fileno(), rest, there + len(data) - len(rest)) :]
        except OSError as error:
            file.truncate(there)
            if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                raise disk_space.full(part.parent) from error
            raise
        return there + len(data)


def _size(part: Path) -> int:
    try:
        return part.stat().st_size
    except FileNotFoundError:
        return 0


def check(digest: str, offset: int, size: int) -> None:
    digests.check(digest)
    if offset < 0 or size < 0:
        raise UserErrorException(f"offset is {offset} and size {size}. Use whole numbers from 0 up.")
