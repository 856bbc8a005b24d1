"""Closes the books of an attempt: its chunks and segments leave the database for one object.

1. Tails become chunks, a few metrics in a transaction, so that nobody waits long for the writer.
2. A pack is written outside any transaction, from rows that no longer change.
3. The rows learn where in the pack their bytes are, a few hundred in a transaction.

Each row has its bytes in one place at any time, so a seal that is cut short leaves nothing wrong: queries answer the
same, and the next seal goes on. What arrives later stays in the database until then.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from faena.db import Database, Write
from faena.kernel.clock import Clock
from faena.objects import store as object_store
from faena.objects.contract import ObjectFiles
from faena.tracking import log_tail, metric_tail
from faena.tracking.points import joined
from faena.tracking.store import logs, metric_chunks, metrics, packs, sealing, streams
from faena.tracking.store.sealing import Movable

LEAST_PACK = 16 << 10
"""Bytes. An attempt that left less stays in the database: a file of its own would cost more."""

_METRICS_TOGETHER = 20
_ROWS_TOGETHER = 500
_READ_TOGETHER = 4 << 20


def seal(database: Database, objects: ObjectFiles, run_id: str, attempt: int, clock: Clock) -> None:
    """Seal an attempt that has ended, all of whose streams have been appended. May be repeated.

    Blocks, for seconds where there are gigabytes of logs: call it on a thread of its own, never on the event
    loop nor in a transaction. Raises StorageFull; then everything is as it was, and it may be called again.
    """
    if database.submit_write(partial(seal_small, run_id=run_id, attempt=attempt)).result():
        return
    with_tails = database.submit_read(lambda read: metrics.tails(read, run_id, attempt)).result()
    for start in range(0, len(with_tails), _METRICS_TOGETHER):
        merging = partial(_merge_metrics, series_ids=with_tails[start : start + _METRICS_TOGETHER])
        database.submit_write(merging).result()
    for stream_id in database.submit_read(lambda read: logs.tails(read, run_id, attempt)).result():
        database.submit_write(partial(_merge_log, stream_id=stream_id)).result()
    rows = database.submit_read(lambda read: sealing.movable(read, run_id, attempt)).result()
    if sum(row.size for row in rows) >= LEAST_PACK:
        pack = _Pack(database, rows)
        digest, size = objects.put(pack.write())
        now = clock.now()

        def add(write: Write) -> int:
            object_store.touch(write, {digest: size}, now)
            return packs.add(write, run_id, attempt, digest, size, now)

        pack_id = database.submit_write(add).result()
        for start in range(0, len(pack.moved), _ROWS_TOGETHER):
            part = pack.moved[start : start + _ROWS_TOGETHER]
            database.submit_write(partial(sealing.move, pack_id=pack_id, moved=part)).result()
    database.submit_write(lambda write: streams.mark_sealed(write, run_id, attempt)).result()


def seal_small(write: Write, run_id: str, attempt: int) -> bool:
    """Most attempts leave little: all of it in one transaction. False where `seal` has more to do."""
    series = metrics.tails(write, run_id, attempt)
    tails = logs.tails(write, run_id, attempt)
    if len(series) + len(tails) > _METRICS_TOGETHER:
        return False
    size = sum(row.size for row in sealing.movable(write, run_id, attempt))
    if size >= LEAST_PACK:
        return False
    size += _merge_metrics(write, series) + sum(_merge_log(write, stream_id) for stream_id in tails)
    if size >= LEAST_PACK:
        return False
    streams.mark_sealed(write, run_id, attempt)
    return True


def _merge_metrics(write: Write, series_ids: Sequence[int]) -> int:
    """The bytes of the chunks that the tails have become."""
    if not series_ids:
        return 0
    merged = {series_id: metric_tail.tail_of(write, series_id) for series_id in series_ids}
    metric_chunks.drop_tails(write, series_ids)
    chunks = [metric_tail.chunk(series_id, joined(parts)) for series_id, parts in merged.items() if parts]
    metric_chunks.add(write, chunks)
    metrics.forget_tails(write, series_ids)
    return sum(len(chunk.data) for chunk in chunks)


def _merge_log(write: Write, stream_id: int) -> int:
    """The bytes of the segment that the tail has become."""
    data = log_tail.tail_of(write, stream_id)
    if not data:
        return 0
    segment = log_tail.compressed(logs.tail_start(write, stream_id), data)
    logs.drop_tail(write, stream_id)
    logs.add(write, stream_id, [segment])
    logs.forget_tail(write, stream_id)
    return len(segment.data)


class _Pack:
    """The bytes of rows one after the other; `moved` says where each of them is."""

    def __init__(self, database: Database, rows: Sequence[Movable]) -> None:
        self._database = database
        self._rows = rows
        self.moved: list[tuple[Movable, int]] = []

    def write(self) -> Iterator[bytes]:
        position = 0
        for part in _bounded(self._rows):
            found = self._database.submit_read(partial(sealing.data_of, wanted=part)).result()
            for row, data in zip(part, found, strict=True):
                if data is not None:
                    self.moved.append((row, position))
                    position += len(data)
                    yield data


def _bounded(rows: Sequence[Movable]) -> Iterator[list[Movable]]:
    part: list[Movable] = []
    size = 0
    for row in rows:
        part.append(row)
        size += row.size
        if size >= _READ_TOGETHER:
            yield part
            part, size = [], 0
    if part:
        yield part
