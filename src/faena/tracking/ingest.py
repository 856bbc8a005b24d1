"""Takes what a run writes, batch by batch, exactly once.

A batch and the stream's new offset are kept in one transaction. Who sends learns from the offset where to go on:
after an answer that was lost it sends again, and what is here already is passed over.
"""

from __future__ import annotations

from collections.abc import Mapping

from faena.db import Read, Write
from faena.db.calling import call_all
from faena.kernel import data_loss
from faena.kernel.clock import Micros
from faena.kernel.hooks import Hooks
from faena.tracking import log_tail, metric_tail, spool
from faena.tracking.model import Appended, Event, StreamKey, check_stream
from faena.tracking.points import Points
from faena.tracking.spool_events import noted
from faena.tracking.store import metrics, streams

on_points: Hooks[[Write, StreamKey, Mapping[str, Points], Micros], None] = Hooks()
"""What features do with new points of a run, by metric, in the transaction that keeps them: quickly, as it is every
batch's. The answer to that very batch tells its runner what came of it.
"""

bites: Hooks[[Read, StreamKey], int | None] = Hooks()
"""How many bytes of a spool a feature can look at in one transaction, since what it does holds the writer; None: any.
The rest is left to whoever sent it, who goes on from the offset that comes back.
"""
_SMALL = 100_000
"""Bytes of a spool of which nobody has to be asked."""


def logs_topic(run_id: str) -> str:
    """Rings when a log of the run grew."""
    return f"run/{run_id}/logs"


def run_of_logs(topic: str) -> str:
    """The run of which `topic` is the logs' topic; empty: it is another kind of topic."""
    if not (topic.startswith("run/") and topic.endswith("/logs")):
        return ""
    return topic[len("run/") : -len("/logs")]


def append(
    write: Write,
    key: StreamKey,
    offset: int,
    data: bytes,
    now: Micros,
    *,
    closing: bool = False,
    log_bytes: int | None = None,
) -> Appended:
    """Keep `data`, the stream's bytes from `offset` on.

    Returns the stream's offset now: what stands before it is stored. It is less than `offset + len(data)`
    where a batch leaves a gap (nothing is kept then), where a spool's last frame is incomplete, and where it is more
    than a feature can look at: send from there on again. With `closing` nothing more will come: an incomplete tail is
    consumed and counted in `bad_bytes`. `log_bytes`: how much of a log is kept; what is beyond is passed over, and an
    event tells of it.

    Raises UserErrorException when the stream's name cannot be used.
    """
    check_stream(key)
    stream = streams.find(write, key)
    if stream is None:
        if offset > 0:
            return Appended(0)
        stream = _begin(write, key, now)
    if offset > stream.offset:
        return Appended(stream.offset)
    data = data[stream.offset - offset :]
    if not data:
        return Appended(stream.offset)
    if not key.is_spool:
        events = _append_log(write, key, stream, data, now, log_bytes)
        write.notify(logs_topic(key.run_id))
        return Appended(stream.offset + len(data), events)
    bite = _bite(write, key, data)
    is_whole = len(bite) == len(data)
    batch = spool.read(bite, stream.names, key.name, closing=closing and is_whole, clock=stream.clock)
    if not batch.consumed and not is_whole:  # one long record
        batch = spool.read(data, stream.names, key.name, closing=closing, clock=stream.clock)
    if batch.points:
        metric_tail.append(write, key, batch.points)
        call_all(on_points, write, key, batch.points, now)
    reached = stream.offset + batch.consumed
    if batch.consumed:
        names = {**stream.names, **batch.defined} if batch.defined else None
        bad_bytes = stream.bad_bytes + batch.bad_bytes
        clock = batch.clock or stream.clock
        streams.advance_spool(write, stream, reached, clock, bad_bytes=bad_bytes, names=names)
        if batch.bad_bytes:
            batch.events.append(noted(data_loss.damaged(key.name, bad_bytes), now))
    return Appended(reached, tuple(batch.events), batch.bad_bytes)


def _bite(read: Read, key: StreamKey, data: bytes) -> bytes:
    if len(data) <= _SMALL:
        return data
    given = [bite for ask in bites if (bite := ask(read, key)) is not None]
    return data[: max(_SMALL, min(given))] if given else data


def pass_over(write: Write, key: StreamKey, offset: int, length: int, now: Micros) -> Appended:
    """Count bytes of a spool, which go on where it has come to, as such that cannot be taken."""
    stream = streams.find(write, key) or _begin(write, key, now)
    if offset != stream.offset:
        return Appended(stream.offset)
    bad_bytes = stream.bad_bytes + length
    streams.advance_spool(write, stream, offset + length, stream.clock, bad_bytes=bad_bytes, names=None)
    told = noted(data_loss.damaged(key.name, bad_bytes), now)
    return Appended(offset + length, (told,), length)


def offsets(read: Read, run_id: str, attempt: int, rank: int) -> dict[str, int]:
    """Where each stream of a rank goes on, by the stream's name."""
    return streams.offsets(read, run_id, attempt, rank)


def _append_log(
    write: Write, key: StreamKey, stream: streams.Stream, data: bytes, now: Micros, limit: int | None
) -> tuple[Event, ...]:
    reached = stream.offset + len(data)
    if stream.kept is None and (limit is None or reached <= limit):
        log_tail.append(write, stream, data)
        return ()
    events: tuple[Event, ...] = ()
    if stream.kept is None and limit is not None:
        kept = max(limit, stream.offset)
        if kept > stream.offset:
            log_tail.append(write, stream, data[: kept - stream.offset])
        streams.cut(write, stream, kept)
        message = (
            f"{key.name} has more than {limit:,} bytes: the rule for the size of logs keeps no more of it."
        )
        events = (Event("note", now, {"code": "log_size", "message": message}),)
    streams.advance(write, stream, reached)
    return events


def _begin(write: Write, key: StreamKey, now: Micros) -> streams.Stream:
    if key.is_spool:
        newest = streams.newest_spool(write, key.run_id)
        if newest is not None and newest < key.attempt:
            metrics.outdate(write, key.run_id, key.attempt)
    return streams.add(write, key, now)
