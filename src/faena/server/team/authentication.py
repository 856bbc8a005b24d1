"""In front of the application, for people elsewhere: nothing is answered to whoever has no token that is good.

It stands before routing. What the person may, each route says (`kernel/rights.py`), and it is asked after routing.
"""

from __future__ import annotations

import asyncio
import base64
import logging
from collections import OrderedDict
from collections.abc import Iterable
from concurrent.futures import Future
from typing import Any

import msgspec
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from faena.db import Database
from faena.kernel.clock import Clock, Micros
from faena.kernel.notifications import Notifications
from faena.people import service, store
from faena.people.callers import set_caller
from faena.people.model import Caller, digest
from faena.people.schemas import AuditEntry
from faena.server.errors import ErrorBody
from faena.server.operation.requests import Requests

_log = logging.getLogger(__name__)
_READING = ("GET", "HEAD")
_MOST_KNOWN = 4096
_USED_EVERY = 60_000_000
"""Microseconds between what is noted of a token's use."""
_KNOWN_FOR = 1.0
"""Seconds for which a token that was found good is not looked up again, unless somebody's rights change: another
server may have revoked it."""
_LOOK = 5.0
"""Seconds after which streams are looked at though nobody has said that a token ended."""
_LONGEST_PATH = 2000


class Guard:
    """An ASGI application around `app`. Belongs to one event loop."""

    def __init__(
        self,
        app: ASGIApp,
        database: Database,
        notifications: Notifications,
        clock: Clock,
        requests: Requests,
    ) -> None:
        self._app = app
        self._requests = requests
        self._database = database
        self._notifications = notifications
        self._clock = clock
        self._known: OrderedDict[str, tuple[Caller, float, int]] = OrderedDict()
        self._streams: dict[asyncio.Task[Any], str] = {}
        """What is being sent in parts, with the digest of the token that it is sent to."""
        self._ending: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            return  # a web socket is refused by leaving it unanswered; the listener takes none
        shown = _token(scope["headers"])
        found = digest(shown) if shown else ""
        caller = await self._caller(found) if found else None
        if caller is None:
            why = (
                "The token is not good here: it was revoked, it has expired, or its person is gone."
                if found
                else ""
            )
            self._requests.refused(str(scope["method"]), 401)
            await _refuse(send, why or "This server asks for a token: faena login URL.")
            return
        scope.setdefault("state", {})["by_gateway"] = True
        set_caller(scope, caller)
        entry = None if scope["method"] in _READING else self._entry(scope, caller)
        try:
            await self._app(scope, receive, self._sender(send, found, entry))
        finally:
            self._streams.pop(_this_task(), None)

    async def _caller(self, found: str) -> Caller | None:
        changes = self._notifications.count(service.TOPIC)
        known = self._known.get(found)
        if known is not None and known[2] == changes and self._clock.monotonic() < known[1]:
            return known[0]
        now = self._clock.now()
        row = await self._database.read_first(lambda read: store.caller(read, found, now))
        if row is None:
            self._known.pop(found, None)
            return None
        caller, used = row
        self._known[found] = caller, self._clock.monotonic() + _KNOWN_FOR, changes
        while len(self._known) > _MOST_KNOWN:
            self._known.popitem(last=False)
        if now - used > _USED_EVERY:
            self._database.submit_write(lambda write: store.use(write, found, now))
        return caller

    def _sender(self, send: Send, found: str, entry: AuditEntry | None) -> Send:
        """What is sent in parts ends where its token does; what changed something is noted as it was answered."""

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start" and entry is not None:
                self._note(msgspec.structs.replace(entry, status=message["status"]))
            elif message.get("more_body"):
                self._streams.setdefault(_this_task(), found)
                if self._ending is None or self._ending.done():
                    self._ending = asyncio.create_task(self._end_streams())
            await send(message)

        return told

    async def _end_streams(self) -> None:
        """Those whose tokens are good no more, as long as there are streams."""
        with self._notifications.subscribe(service.TOPIC) as changed:
            while self._streams:
                await changed.wait(_LOOK)
                for task, found in list(self._streams.items()):
                    if await self._caller(found) is None:
                        task.cancel()

    def _entry(self, scope: HTTPScope, caller: Caller) -> AuditEntry:
        client = scope.get("client") or ("", 0)
        path = str(scope["path"])[:_LONGEST_PATH]
        verb, now = str(scope["method"])[:8], self._now()
        return AuditEntry(0, now, caller.person, caller.token, verb, path, 0, str(client[0])[:64])

    def _now(self) -> Micros:
        return self._clock.now()

    def _note(self, entry: AuditEntry) -> None:
        def told(written: Future[None]) -> None:
            if (failure := written.exception()) is not None:
                _log.error("%s is not in the audit log: %s", entry, failure)

        self._database.submit_write(lambda write: store.add_entries(write, [entry])).add_done_callback(told)


def _this_task() -> asyncio.Task[Any]:
    task = asyncio.current_task()
    assert task is not None
    return task


def _token(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """As a token, or as the password of anybody, which is all that some clients can be given."""
    found = [value for name, value in headers if name == b"authorization"]
    scheme, _, shown = found[0].decode("latin-1").partition(" ") if len(found) == 1 else ("", "", "")
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(shown.strip(), validate=True).decode().partition(":")[2]
        except ValueError:
            return ""
    return shown.strip() if scheme.lower() == "bearer" else ""


async def _refuse(send: Send, message: str) -> None:
    body = msgspec.json.encode(ErrorBody("AuthenticationException", message))
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"www-authenticate", b"Bearer"),
    ]
    await send({"type": "http.response.start", "status": 401, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
