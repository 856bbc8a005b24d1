"""In front of the application, for all that comes by TCP: nothing is answered to whoever has no key.

It stands before routing, so that no route, verb, file or mistake of a route can be forgotten.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from html import escape
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs

import msgspec
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from faena.server.door.keys import Keys
from faena.server.errors import ErrorBody

SIGN_IN = "/sign-in"
SIGN_OUT = "/sign-out"
HOME = "/ui/"
PAGES = "/ui/"
_READING = ("GET", "HEAD")
_PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_DATA_POLICY = "default-src 'none'; frame-ancestors 'none'; sandbox"
_STYLE = (
    ":root{color-scheme:light dark}body{font:16px/1.6 system-ui,sans-serif;max-width:34rem;margin:18vh auto;"
    "padding:0 1.25rem}h1{font-size:1.25rem}code{font-family:ui-monospace,monospace}"
)
_STYLE_DIGEST = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_ANSWER_POLICY = f"default-src 'none'; style-src 'sha256-{_STYLE_DIGEST}'; frame-ancestors 'none'"


@dataclass(frozen=True, slots=True)
class _Refusal:
    status: int
    code: str
    title: str
    message: str


_UNKNOWN = _Refusal(
    401,
    "AuthenticationException",
    "Sign in",
    "This page needs a sign-in. Run `faena ui` in the workspace's folder: it opens the page, signed in.",
)
_SPENT = _Refusal(
    401,
    "AuthenticationException",
    "This link cannot be used any more",
    "A sign-in link works once, within a minute. Run `faena ui` again for a new one.",
)
_SIGNED_OUT = _Refusal(200, "", "Signed out", "Run `faena ui` in the workspace's folder to sign in again.")


class Guard:
    """An ASGI application around `app`, which is reached at `port` of this host under loopback names only."""

    def __init__(self, app: ASGIApp, keys: Keys, port: int, cookie: str) -> None:
        self._app = app
        self._keys = keys
        self._cookie = cookie
        self._hosts = {f"{name}:{port}" for name in ("127.0.0.1", "localhost", "[::1]")}
        if port == 80:
            self._hosts |= {"127.0.0.1", "localhost", "[::1]"}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            return  # a web socket is refused by leaving it unanswered; the listener takes none
        path, verb = scope["path"], scope["method"]
        headers = _Headers(scope["headers"])
        session = _cookie(headers, self._cookie)
        known = session is not None and self._keys.is_session(session)
        trusted = self._keys.is_token(_bearer(headers))
        if refusal := self._foreign(headers, verb, must_tell=known and not trusted):
            await _answer(send, headers, verb, refusal)
        elif path == SIGN_IN and verb == "GET":
            await self._sign_in(send, headers, scope["query_string"], known=known)
        elif not known and not trusted:
            await _answer(send, headers, verb, _UNKNOWN)
        elif path == SIGN_OUT and verb == "POST":
            self._keys.end_session(session or "")
            gone = f"{self._cookie}=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict"
            await _answer(send, headers, verb, _SIGNED_OUT, {"set-cookie": gone})
        else:
            scope.setdefault("state", {})["by_door"] = True
            await self._app(scope, receive, _secured(send, path))

    def _foreign(self, headers: _Headers, verb: str, *, must_tell: bool) -> _Refusal | None:
        """Why a request does not come from a page of ours or a client of this host, whatever keys it has.

        `must_tell`: only a browser sends it, and browsers say which site a request that may change something is from.
        """
        host = headers.only("host")
        if host is None or host.lower() not in self._hosts:
            shown = min(self._hosts)
            return _Refusal(
                403, "UserErrorException", "Wrong address", f"This server answers at http://{shown} only."
            )
        if verb in _READING or not (must_tell or headers.all("origin")):
            return None
        if headers.only("origin") == f"http://{host.lower()}":
            return None
        return _Refusal(
            403, "UserErrorException", "Refused", "Another site may not change anything in this workspace."
        )

    async def _sign_in(self, send: Send, headers: _Headers, query: bytes, *, known: bool) -> None:
        code = parse_qs(query.decode("latin-1")).get("code", [""])[0]
        session = self._keys.redeem(code)
        if session is None and not known:
            await _answer(send, headers, "GET", _SPENT)
            return
        more = {"location": HOME}
        if session is not None:
            more["set-cookie"] = f"{self._cookie}={session}; Path=/; HttpOnly; SameSite=Strict"
        await _respond(send, 303, b"", more | {"content-security-policy": _ANSWER_POLICY})


class _Headers:
    """Names are in lower case, as servers give them."""

    def __init__(self, given: object) -> None:
        self._given: list[tuple[bytes, bytes]] = list(given)  # type: ignore[call-overload]  # pairs, as ASGI says

    def all(self, name: str) -> list[str]:
        wanted = name.encode()
        return [value.decode("latin-1") for key, value in self._given if key == wanted]

    def only(self, name: str) -> str | None:
        """None where there is none, or several: which of them counts would be anybody's guess."""
        found = self.all(name)
        return found[0] if len(found) == 1 else None


def _cookie(headers: _Headers, name: str) -> str | None:
    for line in headers.all("cookie"):
        try:
            found = SimpleCookie(line).get(name)
        except CookieError:
            continue
        if found is not None:
            return found.value
    return None


def _bearer(headers: _Headers) -> str:
    scheme, _, token = (headers.only("authorization") or "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _secured(send: Send, path: str) -> Send:
    """Adds what tells a browser to run nothing but our own scripts, and to show nothing of ours elsewhere."""
    policy = _PAGE_POLICY if path.startswith(PAGES) else _DATA_POLICY

    async def add(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), *_security(policy)]
        await send(message)

    return add


def _security(policy: str) -> list[tuple[bytes, bytes]]:
    headers = {
        "content-security-policy": policy,
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "referrer-policy": "no-referrer",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
    }
    return [(name.encode(), value.encode()) for name, value in headers.items()]


async def _answer(
    send: Send, headers: _Headers, verb: str, said: _Refusal, more: dict[str, str] | None = None
) -> None:
    """As a page to a browser, as the error of our API to others."""
    if any("text/html" in accepted for accepted in headers.all("accept")):
        kind = "text/html; charset=utf-8"
        text = escape(said.message).split("`")
        shown = "".join(f"<code>{part}</code>" if place % 2 else part for place, part in enumerate(text))
        body = (
            '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" '
            f'content="width=device-width"><title>{escape(said.title)}</title><style>{_STYLE}</style>'
            f"<h1>{escape(said.title)}</h1><p>{shown}</p></html>\n"
        ).encode()
    else:
        kind = "application/json"
        body = msgspec.json.encode(ErrorBody(said.code, said.message))
    more = {"content-type": kind, "cache-control": "no-store", **(more or {})}
    if said.status == 401:
        more["www-authenticate"] = "Bearer"
    await _respond(
        send, said.status, body, more | {"content-security-policy": _ANSWER_POLICY}, head=verb == "HEAD"
    )


async def _respond(
    send: Send, status: int, body: bytes, headers: dict[str, str], *, head: bool = False
) -> None:
    policy = headers.pop("content-security-policy")
    sent = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    sent += [(b"content-length", str(len(body)).encode()), *_security(policy)]
    await send({"type": "http.response.start", "status": status, "headers": sent})
    await send({"type": "http.response.body", "body": b"" if head else body, "more_body": False})
