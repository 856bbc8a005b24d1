"""The stream that follows a run: its log lines as they come, its state whenever it changes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial

import msgspec
from msgspec import Struct

from faena.db import Database, Read
from faena.kernel.errors import NotFound, ObjectDamaged, UserErrorException
from faena.kernel.notifications import Notifications
from faena.objects.contract import ObjectFiles
from faena.runs import service, store, transitions
from faena.runs.model import Run
from faena.runs.outlook import outlook_of
from faena.runs.schemas import LogEvent, PointsEvent, RunView, StatusEvent
from faena.tracking import query
from faena.tracking.ingest import logs_topic
from faena.tracking.watching import metrics_topic, watching

_PART = 256 << 10
_KEEP_ALIVE = 2.0
"""Seconds: who follows knows a server that is silent from a run that is."""
_encode = msgspec.json.Encoder().encode


def parse_offsets(text: str) -> dict[str, query.ReadTo]:
    """Attempts and offsets by log name, from JSON: where a client that was cut off goes on."""
    try:
        return msgspec.json.decode(text, type=dict[str, query.ReadTo])
    except msgspec.DecodeError as error:
        raise UserErrorException(
            f"offsets={text[:80]!r} cannot be read: {error}. Use a JSON object of pairs by log name: the attempt, and "
            "how many bytes of its log are known."
        ) from error


class _News(Struct, frozen=True):
    ended: bool
    view: RunView | None
    """None where it is the one that was shown."""
    logs: list[LogEvent]
    more: bool
    points: int = 0


async def events(
    run_id: str,
    offsets: dict[str, query.ReadTo],
    database: Database,
    objects: ObjectFiles,
    notifications: Notifications,
    *,
    points: bool = False,
) -> AsyncIterator[bytes]:
    """JSON lines: `log` events, then a `status` event when it changed; ends after the last of an ended run.

    A log is that of the attempt in `offsets`, else of the latest; then come those of later ones, from their beginning.
    With `points` also a `points` event at first and when there are new ones, within half a second.
    """
    shown: tuple[int, str | None] | None = None
    seen: int | None = None
    topics = [transitions.topic(run_id), logs_topic(run_id), *([metrics_topic(run_id)] if points else [])]
    with watching(notifications, run_id, *topics) as subscription:
        while True:
            look = partial(_news, objects=objects, run_id=run_id, offsets=offsets, shown=shown, points=points)
            news = await database.read(look)
            for event in news.logs:
                offsets[event.name] = (event.attempt, event.offset)
                yield _encode(event) + b"\n"
            if news.more:
                continue
            if points and news.points != seen:
                seen = news.points
                yield _encode(PointsEvent(seen)) + b"\n"
            if news.view is not None:
                shown = (news.view.version, news.view.blocker)
                yield _encode(StatusEvent(news.view)) + b"\n"
            if news.ended:
                return
            if not await subscription.wait(_KEEP_ALIVE):
                yield b"\n"


def _news(
    read: Read,
    objects: ObjectFiles,
    run_id: str,
    offsets: dict[str, query.ReadTo],
    shown: tuple[int, str | None] | None,
    points: bool,
) -> _News:
    """`shown`: version and blocker of what was told last; the blocker of a run that waits changes without it."""
    unchanged = shown is not None and store.is_running_unchanged(read, run_id, shown[0])
    run = None if unchanged else service.get(read, run_id)
    ended = run is not None and run.ended_at is not None
    events: list[LogEvent] = []
    more = False
    for row, offset, is_last in query.grown_logs(read, run_id, offsets):
        name, size, attempt = row.log.name, row.log.size, row.log.attempt
        try:
            part = query.part_of(read, objects, row, offset, _PART)
        except (ObjectDamaged, NotFound) as error:  # whoever follows hears of the run's end all the same
            said = f"\n[The rest of this log, {size - offset:,} bytes, cannot be read: {error.message}]\n"
            events.append(LogEvent(name, size, said, attempt))
            more = more or not is_last
            continue
        ends_here = part.next_offset >= size and (ended or not is_last)
        text, length = _whole(part.data, last=ends_here)
        if length:
            events.append(LogEvent(name, offset + length, text, attempt))
            more = more or offset + length < size or not is_last
    count = query.count_points(read, run_id) if points else 0
    return _News(ended, _view(read, run, shown), events, more and bool(events), count)


def _view(read: Read, run: Run | None, shown: tuple[int, str | None] | None) -> RunView | None:
    if run is None:
        return None
    stands = outlook_of(read, run)
    now = (run.version, None if stands is None else stands.blocker)
    return None if now == shown else service.view(read, run)


def _whole(data: bytes, *, last: bool) -> tuple[str, int]:
    """The text of `data` without a character that is not whole yet, and how many bytes that is."""
    length = len(data)
    if not last:
        for back in range(1, min(4, length) + 1):
            byte = data[-back]
            if byte >= 0xC0:
                needed = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
                length -= back if needed > back else 0
                break
            if byte < 0x80:
                break
    return data[:length].decode("utf-8", "replace"), length
