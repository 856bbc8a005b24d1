"""`/health` and `/ready`, for balancers and supervisors: without a token, and without a word about the workspace."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec
import sqlalchemy as sa
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send
from sqlalchemy.exc import DBAPIError

from faena.db import Database, Read
from faena.db.schema import SCHEMA_VERSION, version
from faena.kernel.clock import Clock
from faena.kernel.errors import FaenaError
from faena.objects.contract import ObjectFiles

HEALTH, READY = "/health", "/ready"
_PATIENCE_S = 3.0
"""For a database or a store that does not answer."""
_GOOD_FOR_S = 1.0
"""Seconds for which an answer is given again: whoever asks without a token costs no more than a look a second."""


class ReadyView(msgspec.Struct, frozen=True):
    ready: bool
    missing: tuple[str, ...]
    """Of `database`, `schema`, `objects`, `engine`, `leaving`: what keeps it from being of use."""


class Readiness:
    """Whether requests are of use here. Belongs to one event loop."""

    def __init__(
        self, database: Database, files: ObjectFiles, clock: Clock, is_broken: Callable[[], bool]
    ) -> None:
        """`is_broken`: whether a part of the server has ended that should not."""
        self.leaving = False
        """Set before it takes no more connections."""
        self._database = database
        self._files = files
        self._clock = clock
        self._is_broken = is_broken
        self._known: tuple[str, ...] = ()
        self._until = float("-inf")
        self._turn = asyncio.Lock()
        self._putting: asyncio.Future[None] | None = None

    async def look(self) -> ReadyView:
        async with self._turn:  # many ask, one looks
            if self._clock.monotonic() >= self._until:
                self._known = tuple(await self._missing())
                self._until = self._clock.monotonic() + _GOOD_FOR_S
        missing = (*self._known, "leaving") if self.leaving else self._known
        return ReadyView(not missing, missing)

    async def _missing(self) -> list[str]:
        database, objects = await asyncio.gather(self._of_database(), self._of_objects())
        return [*database, *objects, *(["engine"] if self._is_broken() else [])]

    async def _of_database(self) -> list[str]:
        if self._database.stopped is not None or self._database.damage is not None:
            return ["database"]
        try:
            async with asyncio.timeout(_PATIENCE_S):
                found = await self._database.read_first(_schema)
        except (TimeoutError, FaenaError, DBAPIError):
            return ["database"]
        return [] if found == SCHEMA_VERSION else ["schema"]  # a newer server has changed it

    async def _of_objects(self) -> list[str]:
        if (
            self._putting is None or self._putting.done()
        ):  # a disk that hangs has one thread, however often it is asked
            self._putting = asyncio.ensure_future(asyncio.to_thread(self._put))
        done, _ = await asyncio.wait([self._putting], timeout=_PATIENCE_S)
        return [] if done and self._putting.exception() is None else ["objects"]

    def _put(self) -> None:
        """Nothing stays of it."""
        incoming = self._files.begin()
        try:
            incoming.write(b"ready")
        finally:
            incoming.close()


def _schema(read: Read) -> int | None:
    found: int | None = read.execute(sa.select(version.c.version)).scalar()
    return found


def with_probes(app: ASGIApp, readiness: Readiness) -> ASGIApp:
    """`app`, and the probes in front of whatever it asks of callers."""

    async def answered(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP or scope["path"] not in (HEALTH, READY):
            await app(scope, receive, send)
            return
        if scope["method"] not in ("GET", "HEAD"):
            await _respond(send, 405, b"Use GET.", b"text/plain")
        elif scope["path"] == HEALTH:
            await _respond(send, 200, b"OK", b"text/plain")
        else:
            view = await readiness.look()
            body = msgspec.json.encode(view)
            await _respond(send, 200 if view.ready else 503, body, b"application/json")

    return answered


async def _respond(send: Send, status: int, body: bytes, kind: bytes) -> None:
    headers = [
        (b"content-type", kind),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
