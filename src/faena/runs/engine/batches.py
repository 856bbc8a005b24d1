"""What runners send of logs and spools: a header that says where the bytes belong, then the bytes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeVar

import msgspec
from msgspec import Struct

from faena.db import Database, Write
from faena.kernel import tag_rules
from faena.kernel.clock import Micros
from faena.kernel.errors import UserErrorException
from faena.runs import attempt_store, record, record_store, store, transitions
from faena.runs.engine.salvage import Salvage, may_be_of_a_record
from faena.runs.model import EndReason
from faena.tracking import ingest
from faena.tracking.model import Event, Limits, StreamKey

_TAGS_LEFT_OUT = (
    f"The script set more than {tag_rules.MOST_MARKS:,} tags: those that came later were left out."
)


class OutcomeReport(Struct, frozen=True):
    reason: EndReason
    message: str = ""
    exit_code: int | None = None
    signal: int | None = None
    rank: int | None = None


class Rank(Struct, frozen=True):
    """Names an attempt on one node."""

    run_id: str
    attempt: int
    rank: int


class NoteReport(Struct, frozen=True):
    """Something that the reader of the run must know."""

    message: str
    about: str = ""
    """How the message begins; one that began so is replaced, and others of the code stay beside it."""
    code: str = "note"


class ShipHeader(Struct, frozen=True):
    segments: list[tuple[str, int, int]]
    """(stream, offset, length); the bytes follow the header in the same order."""
    closing: bool = False
    started_at: int | None = None
    """When the script started, where that may not be known here."""
    sent_at: int | None = None
    """By the same clock, which may be another machine's."""


class ClosingHeader(ShipHeader, frozen=True):
    """With the last bytes of an attempt: how it ended, and what its reader must know."""

    outcome: OutcomeReport = OutcomeReport(EndReason.COMPLETED)
    notes: tuple[NoteReport, ...] = ()


Header = TypeVar("Header", bound=ShipHeader)
T = TypeVar("T")


def split(data: bytes, kind: type[Header]) -> tuple[Header, bytes]:
    length = int.from_bytes(data[:4], "little")
    try:
        header = msgspec.json.decode(data[4 : 4 + length], type=kind)
    except msgspec.DecodeError as error:
        raise UserErrorException(f"The head of the batch cannot be read: {error}.") from error
    body = data[4 + length :]
    lengths = [part[2] for part in header.segments]
    if any(part < 0 for part in lengths) or sum(lengths) != len(body):
        raise UserErrorException(f"The batch holds {len(body)} bytes, its head says {sum(lengths)}.")
    return header, body


async def taken(
    database: Database, work: Callable[[Write, bool], T], unless: tuple[type[Exception], ...] = ()
) -> T:
    """What `work` does in a transaction; where that fails, it is done once more with the word to be careful.

    `unless`: errors that say nothing about what was sent.
    """
    try:
        return await database.write(lambda write: work(write, False))
    except Exception as error:
        if isinstance(error, unless) or not may_be_of_a_record(error):
            raise
        return await database.write(lambda write: work(write, True))


def append(
    write: Write,
    key: Rank,
    header: ShipHeader,
    body: bytes,
    now: Micros,
    limits: Limits,
    *,
    careful: bool = False,
) -> dict[str, int]:
    """Keep the bytes of a batch; how much of each stream is here then.

    Whoever calls it sees in the same transaction that there is such an attempt.

    `careful`: record by record where that must be; what cannot be taken is counted as bad and told of.
    """
    found: dict[str, int] = {}
    start = 0
    for stream, offset, length in header.segments:
        part = body[start : start + length]
        start += length
        stream_key = StreamKey(key.run_id, key.attempt, key.rank, stream)
        take = partial(_take, write, stream_key, now=now, closing=header.closing, log_bytes=limits.log_bytes)
        if careful:
            leave_out = partial(_leave_out, write, stream_key, now)
            found[stream] = Salvage(write, stream_key, take, leave_out).take(offset, part)
        else:
            found[stream] = take(offset, part)
    return found


def _take(
    write: Write,
    key: StreamKey,
    offset: int,
    data: bytes,
    *,
    now: Micros,
    closing: bool,
    log_bytes: int | None,
) -> int:
    done = ingest.append(write, key, offset, data, now, closing=closing, log_bytes=log_bytes)
    _apply(write, key, done.events)
    return done.offset


def _leave_out(write: Write, key: StreamKey, now: Micros, offset: int, length: int) -> int:
    done = ingest.pass_over(write, key, offset, length, now)
    _apply(write, key, done.events)
    return done.offset


def _apply(write: Write, of: StreamKey, events: tuple[Event, ...]) -> None:
    run_id, tags = of.run_id, dict[str, str]()
    for event in events:
        if event.op == "tag":
            key, value = tag_rules.fitting(event.data["key"], _text(event.data["value"]))
            tags[key] = value
        else:
            about = str(event.data.get("about", ""))
            record_store.add_note(
                write, run_id, str(event.data["code"])[:64] or "note", str(event.data["message"]), about=about
            )
    if tags and attempt_store.is_superseded(write, run_id, of.attempt):
        there = record_store.tag_keys(write, run_id)
        tags = {key: value for key, value in tags.items() if key not in there}
    if tags and record.take_tags(write, run_id, tags):
        record_store.add_note(write, run_id, "tags_left_out", _TAGS_LEFT_OUT)
    if events:
        store.update(write, run_id, {})
        write.notify(transitions.topic(run_id))


def _text(value: object) -> str:
    return "" if value is None else str(value)
