"""Browsers of people elsewhere: signed in by a token or an issuer, then known by a cookie, whose digest is kept."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, parse_qsl, urlencode

from litestar.types import HTTPScope, Receive, Send

from faena.db import Database
from faena.kernel.clock import Clock
from faena.people import session_store, store
from faena.people.model import digest
from faena.people.openid.failures import NotSignedIn
from faena.server.gateway import responses
from faena.server.listener.request_headers import Headers
from faena.server.pages.browser_rights import PAGES, is_page
from faena.server.team import sign_in_page
from faena.server.team.begun import GOOD_FOR
from faena.server.team.paths import BEGIN, SIGN_IN

if TYPE_CHECKING:
    from faena.server.team.issuer_sign_in import IssuerSignIn  # loaded where there is an issuer

SESSION_DAYS = 7.0
"""For which a browser is signed in, unless its token ends before."""
_LARGEST_FORM = 8 << 10
_MOST_FAILURES = 10
_PER_SECONDS = 60.0
_MOST_ADDRESSES = 4096


class SignIn:
    """Belongs to one event loop."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        workspace: str,
        cookie: str,
        issuer: IssuerSignIn | None = None,
    ) -> None:
        """`workspace`: its name. `cookie`: a name that no other server of this host has."""
        self._database = database
        self._clock = clock
        self._workspace = workspace
        self._cookie = f"__Host-{cookie}"  # which browsers take by TLS alone, and from this very host
        self._begun = f"{self._cookie}_begun"
        self._issuer = issuer
        self._failures: OrderedDict[str, list[float]] = OrderedDict()

    def session_of(self, headers: Headers) -> str:
        """The digest of the cookie that is shown; empty: none is."""
        shown = headers.cookie(self._cookie)
        return digest(shown) if shown else ""

    async def to_page(self, scope: HTTPScope, send: Send) -> None:
        """Have a browser sign in, and go on to the page that it asked for."""
        query = scope["query_string"].decode("latin-1")
        asked = str(scope["path"]) + (f"?{query}" if query else "")
        to = f"?{urlencode({'to': asked})}" if is_page(asked) and len(asked) < _LARGEST_FORM else ""
        await _go_to(send, SIGN_IN + to)

    async def show(self, scope: HTTPScope, send: Send, *, is_known: bool) -> None:
        """Who is known goes on, unless the address asks that they sign in again."""
        target = _asked(scope)
        if is_known and not parse_qs(scope["query_string"].decode("latin-1")).get("again"):
            await _go_to(send, target)
        else:
            await self._page(send, 200, target, "")

    async def take(self, scope: HTTPScope, headers: Headers, receive: Receive, send: Send) -> None:
        """A form that was sent: a token."""
        form = await _form(receive)
        target = _target(form.get("to", ""))
        if (wait := self._wait(scope)) > 0:
            await self._too_many(send, target, wait)
            return
        now = self._clock.now()
        found = digest(form.get("token", "").strip())
        caller = await self._database.read_first(lambda read: store.caller(read, found, now))
        if caller is None:
            self._failed(scope)
            why = "This token is not good here: it is incomplete, was revoked, has expired, or its person is gone."
            await self._page(send, 401, target, why)
            return
        await self._database.write(lambda write: store.use(write, found, caller[0].person, now))
        await self._let_in(send, caller[0].person, caller[0].token, target)

    async def to_issuer(self, scope: HTTPScope, headers: Headers, send: Send) -> None:
        """Have a browser sign in by OpenID Connect."""
        target = _asked(scope)
        if self._issuer is None:
            await _go_to(send, SIGN_IN)
            return
        try:
            address, begun = await self._issuer.begin(headers, target)
        except NotSignedIn as error:
            await self._page(send, 503, target, error.message)
            return
        # Lax: the browser shows it when the issuer sends it back
        kept = f"{self._begun}={begun.cookie}; Path=/; Max-Age={GOOD_FOR}; Secure; HttpOnly; SameSite=Lax"
        await _go_to(send, address, {"set-cookie": kept})

    async def from_issuer(self, scope: HTTPScope, headers: Headers, send: Send) -> None:
        """A browser that the issuer has sent back."""
        if self._issuer is None:
            await _go_to(send, SIGN_IN)
            return
        if (wait := self._wait(scope)) > 0:
            await self._too_many(send, PAGES, wait)
            return
        begun = headers.cookie(self._begun)
        try:
            person, asked = await self._issuer.finish(scope, headers, begun)
        except NotSignedIn as error:
            over = {}
            # without one nothing is tried, and a page elsewhere could use up the tries of an address
            if begun:
                self._failed(scope)
                over = {"set-cookie": f"{self._begun}=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax"}
            await self._page(send, 401, PAGES, error.message, over)
            return
        now = self._clock.now()
        await self._database.write(lambda write: store.see(write, person, now))
        await self._let_in(send, person, None, _target(asked))

    async def _let_in(self, send: Send, person: str, token: str | None, target: str) -> None:
        """`token`: the id of that which they showed; None: an issuer vouched for them."""
        now = self._clock.now()
        until = now + int(SESSION_DAYS * 86_400e6)
        secret = secrets.token_urlsafe(32)
        made = digest(secret)
        await self._database.write(lambda write: session_store.add(write, made, person, token, now, until))
        age = int(SESSION_DAYS * 86_400)
        kept = f"{self._cookie}={secret}; Path=/; Max-Age={age}; Secure; HttpOnly; SameSite=Lax"
        await _go_to(send, target, {"set-cookie": kept})

    async def end(self, session: str, send: Send) -> None:
        await self._database.write(lambda write: session_store.end(write, session))
        gone = f"{self._cookie}=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax"
        await _go_to(send, SIGN_IN, {"set-cookie": gone})

    async def _too_many(self, send: Send, target: str, wait: float) -> None:
        why = f"Too many tries from your address. Try again in {wait:.0f} seconds."
        await self._page(send, 429, target, why, {"retry-after": f"{wait:.0f}"})

    async def _page(
        self, send: Send, status: int, to: str, wrong: str, more: dict[str, str] | None = None
    ) -> None:
        begin = ""
        if self._issuer is not None:
            begin = BEGIN + (f"?{urlencode({'to': to})}" if to != PAGES else "")
        by = "" if self._issuer is None else self._issuer.host
        body = sign_in_page.page(self._workspace, "" if to == PAGES else to, wrong, begin, by)
        headers = {"content-type": "text/html; charset=utf-8", "cache-control": "no-store", **(more or {})}
        await responses.respond(send, status, body, headers, policy=sign_in_page.POLICY, has_form=True)

    def _wait(self, scope: HTTPScope) -> float:
        """Seconds until the next try of this address; 0: none."""
        now = self._clock.monotonic()
        tries = [at for at in self._failures.get(_address(scope), ()) if now - at < _PER_SECONDS]
        return tries[-_MOST_FAILURES] + _PER_SECONDS - now if len(tries) >= _MOST_FAILURES else 0.0

    def _failed(self, scope: HTTPScope) -> None:
        tries = self._failures.pop(_address(scope), [])
        self._failures[_address(scope)] = [*tries, self._clock.monotonic()][-_MOST_FAILURES:]
        while len(self._failures) > _MOST_ADDRESSES:
            self._failures.popitem(last=False)


def is_own(headers: Headers) -> bool:
    """Whether a request that may change something comes from a page of this server, as browsers say."""
    host = headers.only("host")
    return host is not None and headers.only("origin") == f"https://{host}"


def _asked(scope: HTTPScope) -> str:
    """The page that is shown once somebody is signed in."""
    return _target(parse_qs(scope["query_string"].decode("latin-1")).get("to", [""])[0])


def _target(asked: str) -> str:
    return asked if is_page(asked) and len(asked) < _LARGEST_FORM else PAGES


def _address(scope: HTTPScope) -> str:
    return str((scope.get("client") or ("",))[0])


async def _form(receive: Receive) -> dict[str, str]:
    """Empty where it is too large, or no form."""
    body = b""
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return {}
        body += message["body"]
        if len(body) > _LARGEST_FORM:
            return {}
        if not message["more_body"]:
            break
    try:
        return dict(parse_qsl(body.decode("ascii"), max_num_fields=10, errors="strict"))
    except ValueError:
        return {}


async def _go_to(send: Send, address: str, more: dict[str, str] | None = None) -> None:
    headers = {"cache-control": "no-store", "location": address, **(more or {})}
    await responses.respond(send, 303, b"", headers)
