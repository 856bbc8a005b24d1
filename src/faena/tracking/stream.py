"""The numbers of a metric as bytes, a chunk after the other: for whoever wants them all.

A frame for each chunk, in the order of arrival, little-endian:

    count u32, then a column of so many each: time i64 (µs), step i64 (-2^63: none), bits i64, integer u8

`bits`: the value as int64 where `integer` is 1, else as float64. Text, lists, rows and tables are left out.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from faena.db import Database
from faena.kernel.errors import NotFound
from faena.objects.files import ObjectFiles
from faena.tracking import codec
from faena.tracking.model import SCRIPT
from faena.tracking.points import INT, JSON, Points
from faena.tracking.store import metrics as store
from faena.tracking.store.packs import Opened, Place

_TOGETHER = 64


def frames(
    database: Database, objects: ObjectFiles, run_id: str, name: str, source: str = SCRIPT
) -> Iterator[bytes]:
    """Of the latest attempt. Raises NotFound before the first frame. Blocks: for a thread of its own."""
    rows = database.submit_read(lambda read: store.of_run(read, run_id, source=source, name=name)).result()
    if not rows or rows[0].id is None:
        raise NotFound(f"Run {run_id} has no metric {name[:200]!r}. Ask for its metrics to see their names.")
    series_id = rows[0].id
    ids = [
        chunk.id for chunk in database.submit_read(lambda read: store.summaries_of(read, series_id)).result()
    ]
    return _each(database, objects, ids)


def _each(database: Database, objects: ObjectFiles, ids: list[int]) -> Iterator[bytes]:
    with Opened(objects) as opened:
        for start in range(0, len(ids), _TOGETHER):
            part = ids[start : start + _TOGETHER]
            places: dict[int, Place] = database.submit_read(lambda read: store.places_of(read, part)).result()  # noqa: B023  called at once
            for chunk in part:
                if chunk in places:  # a tail that was merged meanwhile comes in the chunk that it became
                    yield _frame(codec.decode(opened.bytes(places[chunk])))


def _frame(points: Points) -> bytes:
    is_number = points.kind != JSON
    time, step, bits = (column[is_number].astype("<i8") for column in (points.time, points.step, points.bits))
    integer = (points.kind[is_number] == INT).astype(np.uint8)
    columns = (time, step, bits, integer)
    return len(time).to_bytes(4, "little") + b"".join(column.tobytes() for column in columns)
