"""Server-sent events: what an open page is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec
from litestar.response import Stream

from faena.kernel.bells import Bells

_KEEP_ALIVE = 15.0
_PAUSE = 0.5
"""Between two words about changes."""
_SILENT = b": \n\n"
_encode = msgspec.json.Encoder().encode


def answer(events: AsyncIterator[bytes]) -> Stream:
    return Stream(events, media_type="text/event-stream", headers={"cache-control": "no-store"})


def event(name: str, value: Any) -> bytes:
    """JSON has no line break: one line of data is the whole of it."""
    return b"event: %s\ndata: %s\n\n" % (name.encode(), _encode(value))


async def changes(bells: Bells) -> AsyncIterator[bytes]:
    """`changed` whenever a run or a node came, moved or ended."""
    yield _SILENT
    with bells.listen("engine") as bell:
        while True:
            if await bell.wait(_KEEP_ALIVE):
                yield event("changed", None)
                await asyncio.sleep(_PAUSE)
            else:
                yield _SILENT


async def silence() -> AsyncIterator[bytes]:
    while True:
        yield _SILENT
        await asyncio.sleep(_KEEP_ALIVE)
