"""Bytes and the rows that say they are here, in the right order: bytes first."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, BinaryIO

from faena.db import Database
from faena.kernel import batches, digests
from faena.kernel.clock import Clock
from faena.kernel.errors import NotFound, ObjectDamaged, UserErrorException
from faena.kernel.lanes import ARRIVING, BYTES, FEW_BYTES, KEEPING, for_bytes
from faena.objects import store
from faena.objects.contract import Incoming, ObjectFiles
from faena.objects.fresh import FreshObjects

_CHUNK = 1 << 20


class Objects:
    """With other processes, what one of them collects goes in the transaction that forgets its row. So whoever puts
    renews the row before the bytes get their name, or looks after that whether they are there.
    """

    def __init__(self, files: ObjectFiles, database: Database, clock: Clock, *, alone: bool = True) -> None:
        """`alone`: no other process has the same objects."""
        self.files = files
        self._is_alone = alone
        self._database = database
        self._clock = clock
        self.fresh = FreshObjects(files, database, alone=alone)
        self.busy = asyncio.Lock()
        """Held while bytes go, and by whoever copies objects that must not go meanwhile."""

    async def put(self, data: Iterable[bytes]) -> tuple[str, int]:
        """Store bytes; (digest, size)."""
        incoming = await KEEPING.run(_written, self.files, data)
        try:
            return await self._keep_incoming(incoming)
        finally:
            incoming.close()

    async def receive(self, sent: AsyncIterator[bytes], *, expected: str | None = None) -> tuple[str, int]:
        """Store bytes as they come, however many: little of them is in memory at once; (digest, size).

        Raises UserErrorException, and keeps nothing, when they do not have the digest expected; None: any.
        """
        incoming = await asyncio.to_thread(self.files.begin)
        try:
            async for part in gathered(sent):
                await asyncio.to_thread(incoming.write, part)
            if expected not in (None, incoming.digest):
                raise UserErrorException(
                    f"The bytes sent have digest {incoming.digest}, not {expected}: they changed meanwhile. Send them "
                    "again."
                )
            return await self._keep_incoming(incoming)
        finally:
            incoming.close()

    async def put_all(self, contents: Sequence[tuple[str, bytes]]) -> None:
        """Store small objects at once, given as (digest, bytes).

        Raises UserErrorException for bytes of another digest.
        """
        sizes = await FEW_BYTES.run(self.files.put_all, [data for _, data in contents])
        wrong = sorted({digest for digest, _ in contents} - sizes.keys())
        if wrong:
            raise UserErrorException(
                f"The bytes sent as {wrong[0]} have another digest: they changed meanwhile. Send them again."
            )
        now = self._clock.now()
        await self._database.write(lambda write: store.touch(write, sizes, now))
        if gone := await self._gone(sizes):
            await asyncio.to_thread(self.files.put_all, [data for digest, data in contents if digest in gone])

    async def put_file(
        self, path: Path, *, take: bool = False, expected: str | None = None
    ) -> tuple[str, int]:
        """Store a file of this host without sending it anywhere; see `ObjectFiles.put_file`.

        Raises UserErrorException when it does not have the digest expected.
        """
        digest, size = await for_bytes(await asyncio.to_thread(_size, path)).run(
            _opened, self.files, path, take, expected or ""
        )
        if expected not in (None, digest):
            raise UserErrorException(
                f"{path} changed since its digest was taken. Stop what writes to it, or "
                "leave it out of the source folder's snapshot, and submit again."
            )
        await self._keep(digest, size)
        if await self._gone([digest]):
            await for_bytes(size).run(_opened, self.files, path, take)
        return digest, size

    async def take_known(self, path: Path, digest: str) -> None:
        """Store a file of this host by the digest that its bytes had as they were written; see `ObjectFiles`."""
        size = await for_bytes(await asyncio.to_thread(_size, path)).run(self.files.take_known, path, digest)
        await self._keep(digest, size)
        if await self._gone([digest]):
            await for_bytes(size).run(self.files.take_known, path, digest)

    async def missing(self, wanted: Iterable[str]) -> list[str]:
        """Those that are not here. Those that are here are renewed, so that none goes before it is referred to."""
        asked = [digests.check(digest) for digest in wanted]

        def look() -> dict[str, int]:
            self.files.look_ahead(asked)
            return {digest: size for digest in asked if (size := self.files.size_to_keep(digest)) is not None}

        here = await FEW_BYTES.run(look)
        now = self._clock.now()
        await self._database.write(lambda write: store.touch(write, here, now))
        gone = await self._gone(here)
        return [digest for digest in asked if digest not in here or digest in gone]

    async def sent(self, wanted: Iterable[str]) -> dict[str, int]:
        """Sizes of objects that somebody has sent, which stay for an hour at least. Raises NotFound."""
        asked = list(wanted)
        if missing := await self.missing(asked):
            raise NotFound(
                f"There is no object {missing[0]}. Send its bytes first: PUT /uploads/{missing[0]}."
            )
        return await FEW_BYTES.run(lambda: {digest: self.files.check(digest) for digest in asked})

    async def read(self, digest: str) -> AsyncIterator[bytes]:
        """The bytes, a part at a time; what is damaged breaks off before its end.

        Raises NotFound, and ObjectDamaged for what is known to be or is small, before the first part.
        """
        file, first = await BYTES.run(_begun, self.files, digest)
        return parts(file, first)

    async def small(self, wanted: Sequence[str]) -> list[tuple[str, bytes]]:
        """Those that are here and small, with their bytes, until it is as much as a batch holds."""
        asked = list(dict.fromkeys(wanted))[: batches.MOST_OBJECTS]
        known = await self._database.read(lambda read: store.known(read, asked))
        return await BYTES.run(self._small, asked, known)

    def _small(self, asked: list[str], known: dict[str, int]) -> list[tuple[str, bytes]]:
        """`known`: sizes by the rows, which is soon known also of what is in a bucket."""
        chosen: list[str] = []
        size = 0
        for digest in asked:
            length = known.get(digest)
            if length is None:
                length = self.files.size(digest)
            if length is None or length >= batches.LARGEST:
                continue
            chosen.append(digest)
            size += length
            if size > batches.MOST_BYTES:
                break
        if len(chosen) > 1:
            self.files.bring(chosen)
        found: list[tuple[str, bytes]] = []
        for digest in chosen:
            try:
                with self.files.open(digest) as file:
                    found.append((digest, file.read()))
            except (NotFound, ObjectDamaged):
                continue  # whoever asks for it by itself is told
        return found

    async def check(self, wanted: Iterable[str]) -> None:
        """See that none was written since it was verified; reads hardly anything. Raises NotFound, ObjectDamaged."""

        def look() -> None:
            asked = dict.fromkeys(wanted)
            self.files.look_ahead(asked)
            for digest in asked:
                self.files.check(digest)

        await BYTES.run(look)

    async def _keep_incoming(self, incoming: Incoming) -> tuple[str, int]:
        digest, size = incoming.digest, incoming.size
        if not self._is_alone:
            await self._keep(digest, size)
        await for_bytes(size).run(incoming.keep)
        return await self._keep(digest, size) if self._is_alone else (digest, size)

    async def _gone(self, digests: Iterable[str]) -> set[str]:
        """Those that another process has collected between a look whether they are here and their rows' renewal."""
        if self._is_alone:
            return set()
        files = self.files
        return await asyncio.to_thread(lambda: {each for each in digests if files.size_to_keep(each) is None})

    async def _keep(self, digest: str, size: int) -> tuple[str, int]:
        now = self._clock.now()
        await self._database.write(lambda write: store.touch(write, {digest: size}, now))
        return digest, size


async def parts(file: IO[bytes], first: bytes = b"") -> AsyncIterator[bytes]:
    """A file a part at a time, without holding up the loop; it is closed at the end.

    The next part is read, and verified where that is done on the way, while one is sent.
    """
    run = ARRIVING.run if getattr(file, "waits", False) else asyncio.to_thread
    reading: asyncio.Task[bytes] | None = None
    try:
        part = first or await run(file.read, _CHUNK)
        while part:
            reading = asyncio.create_task(run(file.read, _CHUNK))
            yield part
            part, reading = await reading, None
    finally:
        if reading is None:
            file.close()
        else:  # whoever reads has gone
            reading.add_done_callback(lambda left: _close_after(file, left))


def _close_after(file: IO[bytes], reading: asyncio.Task[bytes]) -> None:
    file.close()
    if not reading.cancelled():
        reading.exception()  # it is nobody's


async def each(made: Iterator[bytes]) -> AsyncIterator[bytes]:
    """What blocks while it is made, without holding up the loop."""
    while (part := await asyncio.to_thread(next, made, None)) is not None:
        yield part


async def gathered(sent: AsyncIterator[bytes], size: int = _CHUNK) -> AsyncIterator[bytes]:
    """What comes in small parts, in larger ones; a large one as it is."""
    held: list[bytes] = []
    length = 0
    async for part in sent:
        if not held and len(part) >= _CHUNK:
            yield part
            continue
        held.append(part)
        length += len(part)
        if length >= size:
            yield b"".join(held)
            held, length = [], 0
    yield b"".join(held)


def _begun(files: ObjectFiles, digest: str) -> tuple[BinaryIO, bytes]:
    file = files.open(digest)
    try:
        return file, file.read(_CHUNK)
    except BaseException:
        file.close()
        raise


def _written(files: ObjectFiles, data: Iterable[bytes]) -> Incoming:
    incoming = files.begin()
    try:
        for part in data:
            incoming.write(part)
    except BaseException:
        incoming.close()
        raise
    return incoming


def _size(path: Path) -> int:
    """0 for what cannot be read: that is told when it is opened."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _opened(files: ObjectFiles, path: Path, take: bool, expected: str = "") -> tuple[str, int]:
    try:
        return files.put_file(path, take=take, expected=expected)
    except FileNotFoundError:
        raise UserErrorException(f"There is no file {path}.") from None
    except (IsADirectoryError, PermissionError) as error:
        raise UserErrorException(f"{path} cannot be read: {error.strerror}.") from error


async def begun(stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same, with its first part at hand: bytes that are damaged are told by an answer, not by one that breaks off.

    Raises what reading the first part raises.
    """
    first = await anext(stream, b"")

    async def all_parts() -> AsyncIterator[bytes]:
        yield first
        async for part in stream:
            yield part

    return all_parts()
