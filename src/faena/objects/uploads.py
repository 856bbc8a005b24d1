"""Uploads in pieces, of bytes that are known by their digest: one that broke off goes on where it was.

    <workspace>/uploads/<digest>   what has come so far

A piece counts where the ones before it end, so that one that is sent twice, or by two at once, does no harm. The whole
is verified when its last piece is there; what power loss or a wrong piece has spoiled is thrown away then.
"""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from weakref import WeakValueDictionary

from msgspec import Struct

from faena.kernel import digests, disk_space
from faena.kernel.errors import UserErrorException
from faena.kernel.lanes import FEW_BYTES
from faena.objects.contract import OnItsWay
from faena.objects.service import Objects, gathered

_AT_ONCE = 4 << 20
"""Bytes that are stored in one go: each costs two switches between threads."""
_BROUGHT = 8 << 20
"""Bytes after which the disk is given what came, so that who waits for the whole to be there waits for little of it."""
_MOST_BEGUN = 256
"""Uploads whose digest goes along; that of others is found when all is there."""
KEPT_S = 86_400.0
"""Seconds after its last piece for which an unfinished upload is kept."""


class UploadView(Struct, frozen=True):
    offset: int
    """So many bytes are here; the next piece begins there."""
    kept: bool
    """All are here, verified: the object can be referred to."""


class _Begun:
    """What came to this process of an upload, from its first byte on."""

    def __init__(self) -> None:
        self.size = 0
        self.hasher = hashlib.sha256()
        self.on_its_way: OnItsWay | None = None

    def close(self) -> None:
        if self.on_its_way is not None:
            self.on_its_way.close()


class Uploads:
    def __init__(self, folder: Path, objects: Objects) -> None:
        self._folder = folder
        self._objects = objects
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._begun: dict[str, _Begun] = {}

    async def look(self, digest: str) -> UploadView:
        """How much is here; what is kept stays for an hour at least."""
        if not await self._objects.missing([digest]):
            size = await FEW_BYTES.run(self._objects.files.size, digest)
            return UploadView(size or 0, kept=True)
        return UploadView(await asyncio.to_thread(_size, self._folder / digest), kept=False)

    async def receive(self, digest: str, offset: int, size: int, sent: AsyncIterator[bytes]) -> UploadView:
        """Take a piece of an object of `size` bytes as it comes; what does not begin where the rest ended is left out.

        Raises UserErrorException where the whole has another digest, which is thrown away then, and StorageFull.
        """
        if digest not in self._begun and (found := await self.look(digest)).kept:
            async for _ in sent:
                pass  # whoever sends is told at its end
            return found
        at, there = offset, -1
        storing: asyncio.Task[int] | None = None  # of what came before, while the next comes
        try:
            async for data in gathered(sent, _AT_ONCE):
                if at + len(data) > size:
                    raise UserErrorException(
                        f"The piece ends after byte {at + len(data)} of an object of {size}. Send what belongs to it."
                    )
                if storing is not None:
                    there = await storing
                storing = asyncio.create_task(self._store(digest, at, size, data))
                at += len(data)
        finally:
            if storing is not None:
                there = await storing
        async with self._turn(digest):
            if there < 0:  # nothing came, as of an object without bytes
                there = await asyncio.to_thread(_size, self._folder / digest)
            if there < size or (found := await self.look(digest)).kept:
                return UploadView(there, kept=there == size)
            try:
                await self._keep(digest)
            except UserErrorException:
                if not (await self.look(digest)).kept:  # by another process, which took the file from us
                    raise
        return UploadView(size, kept=True)

    async def _store(self, digest: str, at: int, size: int, data: bytes) -> int:
        async with self._turn(digest):
            return await FEW_BYTES.run(self._append, digest, at, size, data)

    def _turn(self, digest: str) -> asyncio.Lock:
        return self._turns.setdefault(digest, asyncio.Lock())

    def _append(self, digest: str, offset: int, size: int, data: bytes) -> int:
        """How many bytes are there then. The digest of all goes along, where all came to this process."""
        there = _append(self._folder / digest, offset, size, data)
        begun = self._begun.get(digest)
        if begun is None or (offset == 0 and there == len(data)):
            if begun is not None:
                begun.close()
            begun = self._begun[digest] = _Begun()
            if offset == 0 and there == len(data):
                begun.on_its_way = self._objects.files.begin_sending(digest, self._folder / digest, size)
            while len(self._begun) > _MOST_BEGUN:
                self._begun.pop(next(iter(self._begun))).close()
        if begun.size == offset and there == offset + len(data):
            begun.hasher.update(data)
            begun.size = there
            if begun.on_its_way is not None:
                begun.on_its_way.more(there)
        return there

    async def _keep(self, digest: str) -> None:
        """Raises UserErrorException where the whole has another digest."""
        part, begun = self._folder / digest, self._begun.pop(digest, None)
        size = await asyncio.to_thread(_size, part)
        try:
            if begun is None or begun.size != size:
                found, _ = await self._objects.put_file(part, take=True)
            else:
                found = begun.hasher.hexdigest()
                if found == digest:
                    await self._objects.take_known(part, digest)
        finally:
            if begun is not None:
                begun.close()
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
        _bring_to_disk(file.fileno(), there, there + len(data))
        return there + len(data)


def _bring_to_disk(descriptor: int, start: int, end: int) -> None:
    """Have the kernel begin to write what has become whole of `_BROUGHT`; it is not waited for, and stays in memory."""
    first, last = start - start % _BROUGHT, end - end % _BROUGHT
    if last > first and hasattr(os, "posix_fadvise"):
        with suppress(OSError):  # a file system may not know it
            os.posix_fadvise(descriptor, first, last - first, os.POSIX_FADV_DONTNEED)


def _size(part: Path) -> int:
    try:
        return part.stat().st_size
    except FileNotFoundError:
        return 0


def check(digest: str, offset: int, size: int) -> None:
    digests.check(digest)
    if offset < 0 or size < 0:
        raise UserErrorException(f"offset is {offset} and size {size}. Use whole numbers from 0 up.")
