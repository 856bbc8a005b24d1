"""In front of the application, for people elsewhere: nothing is answered to whoever has no token that is good.

It stands before routing. What the person may, each route says (`kernel/rights.py`), and it is asked after routing.
"""

from __future__ import annotations

import asyncio
import base64
from collections import OrderedDict
from collections.abc import Iterable
from contextvars import Context
from typing import Any

from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, ReceiveMessage, Scope, Send

from faena.db import Database
from faena.db.deeds import DEED
from faena.kernel.clock import Clock
from faena.kernel.errors import AuthenticationException
from faena.kernel.notifications import Notifications
from faena.mlflow import paths
from faena.people import service, session_store, store
from faena.people.callers import set_caller
from faena.people.model import Caller, digest
from faena.server.gateway import responses
from faena.server.listener.request_headers import Headers
from faena.server.operation.requests import Requests
from faena.server.pages.browser_rights import is_asked
from faena.server.passing.requests import SENT_ON
from faena.server.team.auditing import Noted
from faena.server.team.paths import BACK, BEGIN, SIGN_IN, SIGN_OUT
from faena.server.team.sign_in import SignIn, is_own

_READING = ("GET", "HEAD")
_MOST_KNOWN = 4096
_USED_EVERY = 60_000_000
"""Microseconds between what is noted of a token's use, or of a browser's."""
_KNOWN_FOR = 1.0
"""Seconds for which a token that was found good is not looked up again, unless somebody's rights change: another
server may have revoked it."""
_LOOK = 5.0
"""Seconds after which streams are looked at though nobody has said that a token ended."""
_SESSION = "session:"
"""Before the digest of a browser's cookie, where tokens have theirs alone."""


class Guard:
    """An ASGI application around `app`. Belongs to one event loop."""

    def __init__(
        self,
        app: ASGIApp,
        database: Database,
        notifications: Notifications,
        clock: Clock,
        requests: Requests,
        sign_in: SignIn,
    ) -> None:
        self._app = app
        self._requests = requests
        self._database = database
        self._notifications = notifications
        self._clock = clock
        self._sign_in = sign_in
        self._known: OrderedDict[str, tuple[Caller, float, int]] = OrderedDict()
        self._streams: dict[asyncio.Task[Any], str] = {}
        """What is being sent in parts, with the digest of the token that it is sent to."""
        self._ending: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            return  # a web socket is refused by leaving it unanswered; the listener takes none
        shown = _token(scope["headers"])
        headers = Headers(scope["headers"])
        session = "" if shown else self._sign_in.session_of(headers)
        key = _SESSION + session if session else digest(shown) if shown else ""
        caller = await self._caller(key) if key else None
        if not shown and await self._is_of_browser(scope, headers, receive, send, session, caller):
            return
        if caller is None:
            why = (
                "The token is not good here: it was revoked, it has expired, or its person is gone."
                if shown
                else ""
            )
            self._requests.refused(str(scope["method"]), 401)
            await _refuse(send, scope["path"], why or "This server asks for a token: faena login URL.")
            return
        scope.setdefault("state", {})["by_gateway"] = True
        set_caller(scope, caller)
        verb, path = str(scope["method"]), scope["path"]
        is_read = verb in _READING or (paths.is_one(path) and paths.only_looks(verb, path))
        noted = None if is_read else Noted(self._database, scope, caller, self._clock.now())
        DEED.set(None if noted is None else noted.deed)  # also of a connection's next request
        send = responses.secured(send, scope["path"])
        try:
            await self._app(
                scope, self._receiver(receive, key, caller), self._sender(scope["state"], send, key, noted)
            )
        finally:
            self._streams.pop(_this_task(), None)

    async def _is_of_browser(
        self,
        scope: HTTPScope,
        headers: Headers,
        receive: Receive,
        send: Send,
        session: str,
        caller: Caller | None,
    ) -> bool:
        """Answers what a browser asks that is not for the application; whether it was such."""
        verb, path = str(scope["method"]), scope["path"]
        to_browser, is_read = headers.accepts("text/html"), verb in _READING
        if path == SIGN_IN and is_read:
            await self._sign_in.show(scope, send, is_known=caller is not None)
        elif path == BEGIN and verb == "GET":
            await self._sign_in.to_issuer(scope, headers, send)
        elif path == BACK and verb == "GET":
            await self._sign_in.from_issuer(scope, headers, send)
        elif path == SIGN_IN and verb == "POST" and is_own(headers):
            await self._sign_in.take(scope, headers, receive, send)
        elif caller is None and is_read and to_browser:
            await self._sign_in.to_page(scope, send)
        elif caller is None:
            return False
        elif not is_read and not is_own(headers):
            await responses.answer(send, responses.FOREIGN, to_browser=to_browser, path=path)
        elif path == SIGN_OUT and verb == "POST":
            await self._sign_in.end(session, send)
            self._known.pop(_SESSION + session, None)
        elif path == "/" and is_read:
            await self._sign_in.show(scope, send, is_known=True)
        elif not is_asked(verb, path):
            await responses.answer(send, responses.NOT_A_PAGES_ELSEWHERE, to_browser=to_browser, path=path)
        else:
            return False
        return True

    async def _caller(self, found: str) -> Caller | None:
        """`found`: the digest of a token, or of a session's cookie, which is marked so."""
        changes = self._notifications.count(service.TOPIC)
        known = self._known.get(found)
        if known is not None and known[2] == changes and self._clock.monotonic() < known[1]:
            return known[0]
        now = self._clock.now()
        if found.startswith(_SESSION):
            cookie = found.removeprefix(_SESSION)
            row = await self._database.read_first(lambda read: session_store.caller(read, cookie, now))
        else:
            row = await self._database.read_first(lambda read: store.caller(read, found, now))
        if row is None:
            self._known.pop(found, None)
            return None
        caller, used = row
        self._known[found] = caller, self._clock.monotonic() + _KNOWN_FOR, changes
        while len(self._known) > _MOST_KNOWN:
            self._known.popitem(last=False)
        if now - used > _USED_EVERY:
            self._database.submit_write(
                lambda write: (
                    store.see(write, caller.person, now)
                    if found.startswith(_SESSION)
                    else store.use(write, found, caller.person, now)
                )
            )
        return caller

    def _receiver(self, receive: Receive, found: str, caller: Caller) -> Receive:
        """Whoever keeps a request's body back until their token is revoked gets nothing done with it."""

        async def received() -> ReceiveMessage:
            message = await receive()
            if message["type"] == "http.request" and not message.get("more_body"):
                now = await self._caller(found)
                if now is None or now.role.right < caller.role.right:
                    raise AuthenticationException(
                        "The token became less or was revoked while the request was sent. Nothing was changed."
                    )
            return message

        return received

    def _sender(self, state: dict[str, Any], send: Send, found: str, noted: Noted | None) -> Send:
        """What is sent in parts ends where its token does; what changed something is noted as it was answered."""

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start" and noted is not None and not state.get(SENT_ON):
                noted.answered(message["status"])
            elif message.get("more_body"):
                self._streams.setdefault(_this_task(), found)
                if self._ending is None or self._ending.done():
                    self._ending = asyncio.create_task(self._end_streams(), context=Context())
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


async def _refuse(send: Send, path: str, message: str) -> None:
    body = responses.error_body(path, 401, "AuthenticationException", message)
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"www-authenticate", b"Bearer"),
    ]
    await send({"type": "http.response.start", "status": 401, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
