"""Keeps points: chunks of one size for each metric, and a tail of small rows that become the next chunk.

A process that logs ten points a second adds a small row for each metric and rewrites nothing. When a tail
weighs as much as a chunk it becomes one; when it has many rows they become one row.
"""

from __future__ import annotations

from collections.abc import Mapping

from faena.db import Write
from faena.tracking import codec
from faena.tracking.arrays import np
from faena.tracking.model import StreamKey
from faena.tracking.points import JSON, NO_STEP, Points, joined
from faena.tracking.store import metric_chunks, metrics, streams
from faena.tracking.store.metric_chunks import NewChunk
from faena.tracking.store.metrics import SeriesRow
from faena.tracking.store.packs import Opened
from faena.tracking.summary import Summary, summarise

CHUNK = 8192
"""The weight of a chunk. A point weighs 1, and 1 more for each 64 bytes of JSON."""
_BYTES_A_WEIGHT = 64
_MOST_ROWS = 64
"""Of a tail. What is drawn of a run that goes on reads them all, for each of its metrics: with 256 a page waited longer
for its curves than for all else. To join them costs a batch in 64 some milliseconds."""


def append(
    write: Write,
    key: StreamKey,
    points: Mapping[str, Points],
    *,
    by_step: bool = False,
    known: dict[str, SeriesRow] | None = None,
) -> None:
    """Keep the points of one batch, by metric, and bring the summaries up to date; `by_step` as in `summarise`.

    `known`: the rows that these metrics have, where they were read already.
    """
    which = (key.run_id, key.attempt, key.source)
    known = rows = metrics.named(write, *which, points) if known is None else known
    summaries = {name: summarise(part) for name, part in points.items()}
    told = summaries
    if by_step:  # of one point it is the same
        told = {
            name: summarise(part, by_step=True) if len(part) > 1 else summaries[name]
            for name, part in points.items()
        }
    new = [SeriesRow(None, key.source, name, told[name]) for name in points if name not in known]
    if new:
        latest = streams.newest_spool(write, key.run_id) == key.attempt
        metrics.add(write, key.run_id, key.attempt, latest, new)
        rows = known | metrics.named(write, *which, [row.name for row in new])

    added: list[NewChunk] = []
    changed: list[SeriesRow] = []
    merged: list[int] = []
    for name, part in points.items():
        row = rows[name]
        assert row.id is not None
        summary = row.summary.joined(told[name], by_step=by_step) if name in known else told[name]
        weight, tail_rows = row.tail_weight + _weight(part), row.tail_chunks + 1
        if weight < CHUNK and tail_rows < _MOST_ROWS:
            added.append(chunk(row.id, part, summaries[name], tail=True))
        else:
            if row.tail_chunks:
                merged.append(row.id)
            full, rest = cut(joined([*tail_of(write, row.id), part]) if row.tail_chunks else part)
            whole = summaries[name] if not row.tail_chunks and len(full) == 1 and not len(rest) else None
            added.extend(chunk(row.id, piece, whole) for piece in full)
            weight, tail_rows = _weight(rest), min(len(rest), 1)
            if tail_rows:
                added.append(chunk(row.id, rest, tail=True))
        changed.append(SeriesRow(row.id, row.source, name, summary, tail_rows, weight))
    metric_chunks.drop_tails(write, merged)
    metric_chunks.add(write, added)
    metrics.update(write, changed)


def tail_of(write: Write, series_id: int) -> list[Points]:
    """What the tail's rows hold, as it arrived."""
    with Opened(None) as opened:  # a tail is in the database: only chunks are ever packed
        rows = [opened.bytes(row.place) for row in metric_chunks.of_series(write, series_id, tail=True)]
    if all(map(codec.are_plain_rows, rows)):
        return [codec.decode_rows(rows)] if rows else []
    return [codec.decode(row) for row in rows]


def cut(points: Points) -> tuple[list[Points], Points]:
    """(pieces that weigh a chunk each, what is left)."""
    if not points.payloads:
        start = len(points) - len(points) % CHUNK
        return [points.slice(at, at + CHUNK) for at in range(0, start, CHUNK)], points.slice(
            start, len(points)
        )
    weights = np.cumsum(_weights(points))
    pieces, start, before = [], 0, 0
    while (last := int(np.searchsorted(weights, before + CHUNK))) < len(points):
        pieces.append(points.slice(start, last + 1))
        start, before = last + 1, int(weights[last])
    return pieces, points.slice(start, len(points))


def _weights(points: Points) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    weights = np.ones(len(points), np.int64)
    weights[points.kind == JSON] += [len(payload) // _BYTES_A_WEIGHT for payload in points.payloads]
    return weights


def _weight(points: Points) -> int:
    return int(_weights(points).sum()) if points.payloads else len(points)


def chunk(series_id: int, points: Points, summary: Summary | None = None, *, tail: bool = False) -> NewChunk:
    """A row for points that are not empty; `summary` where it is known already."""
    steps = None if tail else _steps(points)
    data = codec.encode(points, for_now=tail)
    return NewChunk(series_id, tail, len(points), summary or summarise(points), data, steps)


def _steps(points: Points) -> tuple[int, int] | None:
    least = int(points.step.min())
    return None if least == NO_STEP else (least, int(points.step.max()))
