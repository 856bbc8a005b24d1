"""Removes for good what was deleted, and the bytes that nothing refers to.

Objects go in this order: their row, then their bytes, and the bytes only where nobody asked to keep them meanwhile
(`ObjectFiles.delete`). Whoever refers to an object has put it, or asked whether it is here, less than a day before:
that renews the row's `touched_at` and keeps the bytes. A kill between row and bytes leaves bytes without a row, which
the next collection finds.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from itertools import islice

from msgspec import Struct

from faena.db import Database, Write
from faena.kernel.clock import Clock, Micros
from faena.kernel.lanes import BYTES
from faena.objects import store as object_rows
from faena.objects.contract import ObjectFiles
from faena.objects.references import forget_objects
from faena.tidying import deleting
from faena.tidying.model import UNDO_S, UNTOUCHED_S
from faena.tidying.schemas import CollectionRequest, CollectionView
from faena.tidying.store import deletions, purge, unreferenced
from faena.tracking import repacking

_RUNS_TOGETHER = 50
_TRACES_TOGETHER = 100
_OBJECTS_TOGETHER = 200
_WHILE_OTHERS_WAIT = 20
_SECOND = 1_000_000


class Collector(Struct, frozen=True):
    """`busy`: held while bytes go, and by whoever copies objects that must not go meanwhile."""

    database: Database
    objects: ObjectFiles
    clock: Clock
    busy: asyncio.Lock
    alone: bool = True
    """No other process puts objects. Where some do, bytes go in the transaction that forgets their row, which holds off
    theirs."""

    async def collect(self, asked: CollectionRequest) -> CollectionView:
        """Remove what can no longer be undone, then bytes. May be repeated, and cut short at any moment."""
        now = self.clock.now()
        before = now if asked.now else now - UNDO_S * _SECOND
        if asked.dry_run:
            over = await self.database.read(lambda read: deletions.listed(read, before))
            shown = [deleting.show(each) for each in over]
            untouched = await self.database.read(lambda read: unreferenced.waiting(read, 0), unlimited=True)
            return CollectionView(shown, 0, untouched + sum(each.size for each in over), 0)
        async with self.busy:
            over = await self.database.write(lambda write: deletions.close(write, before))
            shown = [deleting.show(each) for each in over]
            for number in await self.database.read(deletions.closed):
                await self._purge(number)
            since = now - UNTOUCHED_S * _SECOND
            await self._forget_snapshots(since)
            count, size = await self._forget_objects(since)
            count += await self._delete_strays(since)
        waiting = await self.database.read(lambda read: unreferenced.waiting(read, since), unlimited=True)
        return CollectionView(shown, count, size, waiting)

    async def _purge(self, deletion: int) -> None:
        """Remove what a deletion marks that nobody can undo any more."""
        now = self.clock.now()
        while found := await self.database.read(
            lambda read: purge.marked_runs(read, deletion, _RUNS_TOGETHER), unlimited=True
        ):
            await self._forget_traces(found)
            await self.database.write(partial(purge.forget_runs, run_ids=found))
        while logs := await self.database.read(
            lambda read: purge.marked_logs(read, deletion, _RUNS_TOGETHER), unlimited=True
        ):
            ids = [stream_id for stream_id, _, _ in logs]
            await self.database.write(partial(purge.forget_logs, stream_ids=ids))
            for run_id, attempt in {(run_id, attempt) for _, run_id, attempt in logs}:
                await BYTES.run(repacking.repack, self.database, self.objects, run_id, attempt, self.clock)

        def finish(write: Write) -> None:
            purge.forget_files(write, deletion)
            purge.forget_models(write, deletion, now)

        await self.database.write(finish)

    async def _forget_traces(self, run_ids: list[str]) -> None:
        """Few at a time: a run may have very many."""
        while found := await self.database.read(
            lambda read: purge.traces_of(read, run_ids, _TRACES_TOGETHER), unlimited=True
        ):
            await self.database.write(partial(purge.forget_traces, trace_ids=found))

    async def _forget_snapshots(self, before: Micros) -> None:
        while found := await self.database.read(
            lambda read: unreferenced.unneeded_snapshots(read, before, _OBJECTS_TOGETHER), unlimited=True
        ):
            await self.database.write(partial(unreferenced.forget_snapshots, digests=found, before=before))

    async def _forget_objects(self, before: Micros) -> tuple[int, int]:
        count = size = 0
        async for digests in self._unneeded(before):
            gone = []
            for part in self._together(digests):
                gone += await self.database.write(partial(self._forget, digests=part, before=before))
            if self.alone:
                await BYTES.run(self._delete, [digest for digest, _ in gone])
            count += len(gone)
            size += sum(each for _, each in gone)
        return count, size

    async def _unneeded(self, before: Micros) -> AsyncIterator[list[str]]:
        after = ""
        while found := await self.database.read(
            lambda read: unreferenced.unneeded(read, before, after, _OBJECTS_TOGETHER),  # noqa: B023  called at once
            unlimited=True,
        ):
            yield [digest for digest, _ in found]
            after = found[-1][0]

    async def _delete_strays(self, before: Micros) -> int:
        """Bytes without a row, of a put or a collection that was cut short."""
        count = 0
        there = iter(self.objects.list())  # never all of them in memory
        while part := await BYTES.run(lambda: list(islice(there, _OBJECTS_TOGETHER))):
            known = await self.database.read(lambda read: object_rows.known(read, part))
            strays = [digest for digest in part if digest not in known]
            if self.alone:
                count += await BYTES.run(self._delete_old, strays, before)
                continue
            for some in self._together(strays):
                count += await self.database.write(
                    partial(self._delete_strays_in, digests=some, before=before)
                )
        return count

    def _together(self, digests: list[str]) -> list[list[str]]:
        most = _OBJECTS_TOGETHER if self.alone else _WHILE_OTHERS_WAIT
        return [digests[start : start + most] for start in range(0, len(digests), most)]

    def _forget(self, write: Write, digests: list[str], before: Micros) -> list[tuple[str, int]]:
        gone = forget_objects(write, digests, before)
        if not self.alone:
            self._delete([digest for digest, _ in gone])
        return gone

    def _delete_strays_in(self, write: Write, digests: list[str], before: Micros) -> int:
        known = object_rows.known(write, digests)
        return self._delete_old([digest for digest in digests if digest not in known], before)

    def _delete(self, digests: list[str]) -> None:
        for digest in digests:
            self.objects.delete(digest)

    def _delete_old(self, digests: list[str], before: Micros) -> int:
        old = [
            digest for digest in digests if (at := self.objects.put_at(digest)) is not None and at < before
        ]
        return sum(self.objects.delete(digest) for digest in old)
