"""Points that come by request, one at a time or a thousand, from clients that repeat a request whose answer was lost.

A point is the same as another one if name, step, time and value are: it is kept once. The stream of requests knows
the latest time of its points, so that who logs as time passes pays for no look at what was logged before. For others
only chunks that hold points of the same time are looked at.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from faena.db import Read, Write
from faena.db.calling import call_all
from faena.kernel.clock import Micros
from faena.objects.contract import ObjectFiles
from faena.tracking import codec, metric_tail
from faena.tracking.arrays import np
from faena.tracking.ingest import on_points
from faena.tracking.model import SPOOL, StreamKey
from faena.tracking.points import FLOAT, NO_STEP, Points, joined
from faena.tracking.store import metric_chunks, metrics, streams
from faena.tracking.store.packs import Opened

STREAM = f"{SPOOL}requests"
"""The stream under which they stand beside those that the run's processes write."""

Logged = tuple[Micros, int, float]
"""Time, step and value."""


def of(logged: Sequence[Logged]) -> Points:
    """As arrays, in the order given."""
    times, steps, values = zip(*logged, strict=True)
    return Points(
        np.array(times, np.int64),
        np.array(steps, np.int64),
        np.array(values, np.float64).view(np.int64),
        np.full(len(logged), FLOAT, np.uint8),
    )


def _of_each(logged: Mapping[str, Sequence[Logged]]) -> dict[str, Points]:
    """The same of each metric, made at once: hundreds of metrics with a point each are common."""
    whole = of([row for rows in logged.values() for row in rows])
    points: dict[str, Points] = {}
    start = 0
    for name, rows in logged.items():
        points[name] = whole.slice(start, start + len(rows))
        start += len(rows)
    return points


def log(
    write: Write,
    objects: ObjectFiles,
    run_id: str,
    attempt: int,
    logged: Mapping[str, Sequence[Logged]],
    now: Micros,
) -> None:
    """Keep points, by metric; those that are here already change nothing.

    What counts as a metric's last value is that of the greatest step, of those the latest.
    """
    key = StreamKey(run_id, attempt, 0, STREAM)
    found = metrics.ask_named(write, run_id, attempt, key.source, logged)
    new = {name: _distinct(rows) for name, rows in logged.items()}
    stream = streams.find(write, key) or streams.add(write, key, now)
    known = metrics.by_name(found)
    latest = stream.clock.latest
    if latest is None:  # of a stream from before that was kept, or of none
        latest = metric_chunks.latest(write, run_id, attempt)
    if known and latest is not None and latest >= min(row[0] for rows in new.values() for row in rows):
        new = _new_only(write, objects, known, new)
    if not (new := {name: rows for name, rows in new.items() if rows}):
        return
    points = _of_each(new)
    metric_tail.append(write, key, points, by_step=True, known=known)
    newest = max(row[0] for rows in new.values() for row in rows)
    streams.keep_latest(write, stream, newest if latest is None else max(latest, newest))
    call_all(on_points, write, key, points, now)


def _distinct(rows: Sequence[Logged]) -> list[Logged]:
    if len(rows) == 1:
        return list(rows)
    return list({_identity(row): row for row in rows}.values())


def _identity(row: Logged) -> tuple[Micros, int, float | None]:
    """NaN is equal to no NaN, but the same point is."""
    time, step, value = row
    return time, step, None if value != value else value


def _new_only(
    read: Read,
    objects: ObjectFiles,
    known: Mapping[str, metrics.SeriesRow],
    logged: dict[str, list[Logged]],
) -> dict[str, list[Logged]]:
    ids = {row.id: name for name, row in known.items() if row.id is not None}
    times = [row[0] for name in ids.values() for row in logged[name]]
    there: dict[str, list[Points]] = defaultdict(list)
    with Opened(objects) as opened:
        for series_id, place in metric_chunks.between(read, list(ids), min(times), max(times)):
            there[ids[series_id]].append(codec.decode(opened.bytes(place)))
    if not there:
        return logged
    return {
        name: _without(rows, joined(there[name])) if name in there else rows for name, rows in logged.items()
    }


def _without(rows: list[Logged], there: Points) -> list[Logged]:
    near = np.isin(there.time, np.array([row[0] for row in rows], np.int64))
    if not near.any():
        return rows
    values = there.bits[near].view(np.float64).tolist()
    kept = zip(there.time[near].tolist(), there.step[near].tolist(), values, strict=True)
    seen = {_identity(row) for row in kept}
    return [row for row in rows if _identity(row) not in seen]


__all__ = ["NO_STEP", "STREAM", "Logged", "log", "of"]
