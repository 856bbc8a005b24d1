"""The numbers of a metric as bytes, a chunk after the other: for whoever wants them all.

A frame for each chunk, in the order of arrival, little-endian:

    count u32, then a column of so many each: time i64 (µs), step i64 (-2^63: none), bits i64, integer u8

`bits`: the value as int64 where `integer` is 1, else as float64. Text, lists, rows and tables are left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from faena.db import Database, Read
from faena.kernel.errors import NotFound
from faena.objects.contract import ObjectFiles
from faena.tracking import codec
from faena.tracking.arrays import np
from faena.tracking.model import SCRIPT
from faena.tracking.points import INT, JSON, Points
from faena.tracking.store import metric_chunks
from faena.tracking.store import metrics as store
from faena.tracking.store.packs import Opened, Place

_TOGETHER = 64


def frames(
    database: Database, objects: ObjectFiles, run_id: str, name: str, source: str = SCRIPT
) -> Iterator[bytes]:
    """Of the latest attempt: what was logged when it is called. Raises NotFound before the first frame.

    Blocks: for a thread of its own.
    """

    def find(read: Read) -> tuple[int, int] | None:
        rows = store.of_run(read, run_id, source=source, name=name)
        if not rows or rows[0].id is None:
            return None
        return rows[0].id, sum(chunk.points for chunk in metric_chunks.summaries_of(read, rows[0].id))

    found = database.submit_read(find).result()
    if found is None:
        raise NotFound(f"Run {run_id} has no metric {name[:200]!r}. Ask for its metrics to see their names.")
    return map(_frame, each_chunk(database, objects, *found))


def each_chunk(database: Database, objects: ObjectFiles, series_id: int, total: int) -> Iterator[Points]:
    """The first `total` points of a metric, in the order of arrival. Blocks.

    They are counted: the order of arrival stays, while the rows of a tail become a chunk.
    """
    sent = 0
    with Opened(objects) as opened:
        while sent < total:
            chunks = database.submit_read(partial(_following, series_id=series_id, sent=sent)).result()
            if not chunks:
                raise NotFound("The metric was deleted while it was read.")
            for before, place in chunks:
                points = codec.decode(opened.bytes(place))
                points = points.slice(sent - before, min(len(points), total - before))
                if len(points):
                    yield points
                    sent += len(points)


def _following(read: Read, series_id: int, sent: int) -> list[tuple[int, Place]]:
    """The next chunks, each with how many points came before it."""
    found: list[tuple[int, int]] = []
    before = 0
    for chunk in metric_chunks.summaries_of(read, series_id):
        if before + chunk.points > sent:
            found.append((before, chunk.id))
        before += chunk.points
        if len(found) == _TOGETHER:
            break
    places = metric_chunks.places_of(read, [chunk for _, chunk in found])
    return [(before, places[chunk]) for before, chunk in found]


def _frame(points: Points) -> bytes:
    is_number = points.kind != JSON
    time, step, bits = (column[is_number].astype("<i8") for column in (points.time, points.step, points.bits))
    integer = (points.kind[is_number] == INT).astype(np.uint8)
    columns = (time, step, bits, integer)
    return len(time).to_bytes(4, "little") + b"".join(column.tobytes() for column in columns)
