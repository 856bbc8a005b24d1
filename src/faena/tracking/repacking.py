"""Writes a pack anew without what was taken out of it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from faena.db import Database, Write
from faena.kernel.clock import Clock
from faena.objects import store as object_store
from faena.objects.contract import ObjectFiles
from faena.tracking.store import packs, sealing
from faena.tracking.store.packs import Opened
from faena.tracking.store.sealing import Packed

_ROWS_TOGETHER = 500


def repack(database: Database, objects: ObjectFiles, run_id: str, attempt: int, clock: Clock) -> None:
    """Have each pack of an attempt hold what its rows refer to and nothing else.

    May be repeated, and cut short: rows have their bytes in the old pack or in the new one. Blocks: call it on a
    thread.
    """
    for pack in database.submit_read(lambda read: packs.of_attempt(read, run_id, attempt)).result():
        rows = database.submit_read(partial(sealing.packed, pack_id=pack.id)).result()
        if sum(row.size for row in rows) >= pack.size:
            continue
        if rows:
            _rewrite(database, objects, run_id, attempt, rows, clock)
        database.submit_write(partial(packs.forget, pack_id=pack.id)).result()


def _rewrite(
    database: Database, objects: ObjectFiles, run_id: str, attempt: int, rows: list[Packed], clock: Clock
) -> None:
    digest, size = objects.put(_bytes(objects, rows))
    now = clock.now()

    def add(write: Write) -> int:
        object_store.touch(write, {digest: size}, now)
        return packs.add(write, run_id, attempt, digest, size, now)

    pack_id = database.submit_write(add).result()
    position = 0
    moved: list[tuple[Packed, int]] = []
    for row in rows:
        moved.append((row, position))
        position += row.size
    for start in range(0, len(moved), _ROWS_TOGETHER):
        part = moved[start : start + _ROWS_TOGETHER]
        database.submit_write(partial(sealing.move_packed, pack_id=pack_id, moved=part)).result()


def _bytes(objects: ObjectFiles, rows: list[Packed]) -> Iterator[bytes]:
    with Opened(objects) as opened:
        for row in rows:
            yield opened.bytes(row.place)
