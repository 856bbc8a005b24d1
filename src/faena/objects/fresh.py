"""Small objects that are kept by the transaction which refers to them: whoever sends one waits for the disk once.

Their bytes lie in rows first. Many together get their files soon after, and the rows go; after a crash the next server
has them before anybody asks.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Callable, Iterable
from functools import partial
from typing import TypeVar

import sqlalchemy as sa

from faena.db import Database, Read, String, Write, metadata, upsert
from faena.db.prepared import Prepared
from faena.kernel.errors import StorageFull
from faena.kernel.lanes import KEEPING
from faena.objects.contract import ObjectFiles

fresh = sa.Table(
    "fresh_objects",
    metadata,
    sa.Column("digest", String(64), primary_key=True),
    sa.Column("data", sa.LargeBinary, nullable=False),
)
"""Bytes of objects that may have no file yet."""

LARGEST = 256 << 10
"""Bytes of an object that is kept so."""
_SOON_S = 1.0
"""Seconds in which more come, for which the disk is waited for together."""
_AGAIN_S = 5.0
_TOGETHER = 128
_ALL = Prepared(fresh.select())
_SOME = Prepared(fresh.select().limit(sa.literal_column(str(_TOGETHER))))
_ONE = Prepared(fresh.select().where(fresh.c.digest == sa.bindparam("of")))
_FORGET = Prepared(fresh.delete().where(fresh.c.digest == sa.bindparam("of")))
_log = logging.getLogger(__name__)

T = TypeVar("T")


class FreshObjects:
    def __init__(self, files: ObjectFiles, database: Database, *, alone: bool = True) -> None:
        """`alone`: no other process has objects whose bytes are in rows."""
        self._files = files
        self._database = database
        self._is_alone = alone
        if not alone:
            files.fresh.of_others = self._of_others
        self._come = asyncio.Event()
        self._turn = asyncio.Lock()

    @property
    def takes_more(self) -> bool:
        return not self._files.fresh.is_full

    async def keep(self, data: bytes, refer: Callable[[Write, str], T]) -> T:
        """Have an object of at most `LARGEST` bytes; `refer`, given its digest, says in the transaction what it is for.

        Raises what `refer` raises; nothing is kept then.
        """
        digest = hashlib.sha256(data).hexdigest()
        if self._files.is_on_disk(digest):
            referred = await self._database.write(lambda write: refer(write, digest))
            if not self._is_alone and not self._files.is_on_disk(
                digest
            ):  # another process has just collected it
                await KEEPING.run(self._files.put_all, [data])
            return referred

        def work(write: Write) -> T:
            done = refer(write, digest)
            upsert(write, fresh, {"digest": digest, "data": data})
            return done

        self._files.fresh.come(digest, data)
        try:
            done = await self._database.write(work)
        except Exception:
            self._files.fresh.refuse(digest)
            raise
        self._files.fresh.keep(digest, data)
        self._come.set()
        return done

    async def begin(self) -> None:
        """Have those whom an earlier server left in the database: they are read, and get their files soon."""
        for row in await self._database.read_first(lambda read: list(read.execute(_ALL))):
            self._files.fresh.keep(row.digest, row.data)
            self._come.set()

    async def bring(self) -> None:
        """Give all of them files. Raises StorageFull."""
        async with self._turn:
            while rows := self._files.fresh.some(_TOGETHER) or await self._database.read_first(_some):
                await KEEPING.run(self._files.put_all, list(rows.values()))
                await self._database.write(partial(_forget, digests=list(rows)))
                for digest in rows:
                    self._files.fresh.forget(digest)

    async def bring_forever(self) -> None:
        while True:
            await self._come.wait()
            await asyncio.sleep(_SOON_S)
            self._come.clear()
            try:
                await self.bring()
            except (StorageFull, OSError) as error:
                _log.warning("small objects stay in the database for now: %s", error)
                await asyncio.sleep(_AGAIN_S)
                self._come.set()

    def _of_others(self, digest: str) -> bytes | None:
        row = self._database.look_up(lambda read: read.execute(_ONE, {"of": digest}).first())
        return None if row is None else bytes(row.data)


def _some(read: Read) -> dict[str, bytes]:
    return {row.digest: row.data for row in read.execute(_SOME)}


def _forget(write: Write, digests: Iterable[str]) -> None:
    write.execute(_FORGET, [{"of": digest} for digest in digests])
