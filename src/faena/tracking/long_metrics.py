"""`get_metrics` as JSON in pieces, so that ten million values do not fill the server's memory nor stop its other work.

A metric that is long, has numbers alone and arrived in the order of time goes from its chunks to the wire, a chunk
at a time. All others are shaped as a whole, and encoded a part at a time: one call of the encoder would let nobody
else go on.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from typing import Any

from msgspec import Struct

from faena.db import Database, Read
from faena.objects.contract import ObjectFiles
from faena.tracking import codec, query, shapes, stream
from faena.tracking.store import metric_chunks
from faena.tracking.store import metrics as store
from faena.tracking.store.packs import Opened

LONG = 100_000
"""Points from which on a metric is sent a chunk at a time."""
_ENCODED_TOGETHER = 10_000


class Long(Struct, frozen=True):
    """A metric of numbers, its first `total` points."""

    series_id: int
    total: int


Piece = bytes | Long


def pieces(
    read: Read,
    objects: ObjectFiles,
    run_id: str,
    name: str | None,
    source: str,
    changed: Callable[[dict[str, Any]], dict[str, Any]],
    attempt: int | None = None,
) -> list[Piece]:
    """What `query.metrics` gives, as JSON; `changed` may change the values of metrics that are not long."""
    rows = store.of_run(read, run_id, attempt=attempt, source=source, name=name)
    long = {row.name: found for row in rows if (found := _long(read, objects, row))}
    short = changed(query.metrics(read, objects, run_id, name, source, attempt=attempt, without=long))
    made: list[Piece] = []
    for row in rows:
        made.append((", " if made else "{").encode() + json.dumps(row.name).encode() + b": ")
        made.append(long[row.name] if row.name in long else b"".join(_encoded(short[row.name])))
    return [*made, b"}" if made else b"{}"]


def sent(database: Database, objects: ObjectFiles, made: list[Piece]) -> Iterator[bytes]:
    """The bytes of all pieces. Blocks: for a thread of its own."""
    for piece in made:
        if isinstance(piece, bytes):
            yield piece
            continue
        before = b"["
        for points in stream.each_chunk(database, objects, piece.series_id, piece.total):
            yield before + json.dumps(shapes.shape_of_many(points.by_time())).encode()[1:-1]
            before = b", "
        yield b"]"


def _long(read: Read, objects: ObjectFiles, row: store.SeriesRow) -> Long | None:
    if row.summary.count < LONG or row.id is None:
        return None
    chunks = metric_chunks.of_series(read, row.id)
    total = sum(chunk.points for chunk in chunks)
    summaries = metric_chunks.summaries_of(read, row.id)
    in_order = all(one.last_time <= later.first_time for one, later in itertools.pairwise(summaries))
    if total < LONG or not in_order:
        return None
    with Opened(objects) as opened:
        if any(codec.has_payloads(opened.bytes(chunk.place)) for chunk in chunks):
            return None
    return Long(row.id, total)


def _encoded(value: Any) -> Iterator[bytes]:
    if isinstance(value, dict):
        before = b"{"
        for key, each in value.items():
            yield before + json.dumps(key).encode() + b": "
            yield from _encoded(each)
            before = b", "
        yield b"}" if value else b"{}"
    elif isinstance(value, list) and len(value) > _ENCODED_TOGETHER:
        for start in range(0, len(value), _ENCODED_TOGETHER):
            part = json.dumps(value[start : start + _ENCODED_TOGETHER]).encode()[1:-1]
            yield (b", " if start else b"[") + part
        yield b"]"
    else:
        yield json.dumps(value).encode()
