"""Server-sent events: what an open page is told."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from typing import Any

import msgspec
from litestar.response import Stream
from msgspec import Struct

from faena.db import Database
from faena.kernel.file_names import log_precedence
from faena.kernel.notifications import Notifications
from faena.objects.contract import ObjectFiles
from faena.runs import follow, transitions
from faena.runs.schemas import LogEvent, PointsEvent, StatusEvent
from faena.server.pages.console import Console, Shown
from faena.tracking import query

_KEEP_ALIVE = 15.0
_PAUSE = 0.5
"""Between two words about changes."""
_SHORT = 4096
_SILENT = b": \n\n"
_BEGUN = secrets.token_hex(4)
"""Of this process: another one counts from the beginning."""
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(StatusEvent | LogEvent | PointsEvent).decode


def answer(events: AsyncIterator[bytes]) -> Stream:
    return Stream(events, media_type="text/event-stream", headers={"cache-control": "no-store"})


def event(name: str, value: Any = None) -> bytes:
    """JSON has no line break: one line of data is the whole of it."""
    return b"event: %s\ndata: %s\n\n" % (name.encode(), _encode(value))


RUNS = ("engine", transitions.MOVED)
"""Topics: a run or a node came, moved or ended."""


def seen(notifications: Notifications, *topics: str) -> str:
    """What a page that is made from now on has seen of the topics, for its stream."""
    return f"{_BEGUN}-{notifications.count(*topics)}"


async def changes(notifications: Notifications, *topics: str, known: str = "") -> AsyncIterator[bytes]:
    """`changed` whenever one of the topics has news; also at first, unless what is `known` to the page is all."""
    with notifications.subscribe(*topics) as subscription:
        yield _SILENT if known == seen(notifications, *topics) else event("changed")
        while True:
            if await subscription.wait(_KEEP_ALIVE):
                yield event("changed")
                await asyncio.sleep(_PAUSE)
            else:
                yield _SILENT


async def silence() -> AsyncIterator[bytes]:
    while True:
        yield _SILENT
        await asyncio.sleep(_KEEP_ALIVE)


class Watched(Struct, frozen=True):
    """A run, and the log of it that a page shows up to `offset`. `chosen`: the reader asked for that log."""

    run_id: str
    log: str
    offset: int
    chosen: bool
    attempt: int = 1
    """Whose log it is."""


async def of_run(
    watched: Watched, database: Database, objects: ObjectFiles, notifications: Notifications
) -> AsyncIterator[bytes]:
    """`log` with what to add, `status` when the run moved, `other` when another log is the one to show, `ended`.

    And `points` when its metrics have new ones.
    """
    logs = await database.read(lambda read: query.logs(read, watched.run_id))
    offsets = {log.name: (log.attempt, log.size) for log in logs}
    offsets[watched.log] = (watched.attempt, watched.offset)
    console = Console(coloured=True)
    yield _SILENT
    says_most = max((log.name for log in logs), key=log_precedence, default="")
    if _is_better(says_most, watched):  # it came while the page was made
        yield event("other", says_most)
    async for line in follow.events(watched.run_id, offsets, database, objects, notifications, points=True):
        if line == b"\n":
            yield _SILENT
            continue
        found = _decode(line)
        if isinstance(found, StatusEvent):
            yield event("status", {"status": found.run.status, "version": found.run.version})
        elif isinstance(found, PointsEvent):
            yield event("points", found.count)
        elif found.name == watched.log and found.attempt != watched.attempt:
            yield event("other", found.name)  # which shows that of the new attempt
        elif found.name == watched.log:
            yield event("log", await _shown(console, found.text))
        elif _is_better(found.name, watched):
            yield event("other", found.name)
    yield event("ended")


def _is_better(log: str, watched: Watched) -> bool:
    """Whether a page would show this one, were it made now."""
    return not watched.chosen and log_precedence(log) > log_precedence(watched.log)


async def _shown(console: Console, text: str) -> Shown:
    """What is long is looked through on a thread: everybody else's requests go on meanwhile."""
    if len(text) <= _SHORT:
        return console.feed(text)
    return await asyncio.to_thread(console.feed, text)
