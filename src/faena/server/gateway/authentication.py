"""In front of the application, for all that comes by TCP: nothing is answered to whoever has no key.

It stands before routing, so that no route, verb, file or mistake of a route can be forgotten.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from urllib.parse import parse_qs, quote, urlencode

from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Receive, Scope, Send

from faena.kernel.shown_tokens import shown_token
from faena.mlflow import paths as mlflow_paths
from faena.mlflow.run_tokens import OF_A_RUN, RunOfToken
from faena.people.callers import set_caller
from faena.people.model import Caller, Role
from faena.server.gateway import peers, responses
from faena.server.gateway.keys import Keys
from faena.server.listener.request_headers import Headers
from faena.server.pages.browser_rights import PAGES, is_asked, is_page

_SIGN_IN = "/sign-in"
_SIGN_OUT = "/sign-out"
_READING = ("GET", "HEAD")
_LONGEST_QUERY = 4000


def sign_in_address(base: str, *, code: str = "", link: str = "", to: str = "") -> str:
    """Where a browser signs in; it goes on to the page `to`, by itself the first one."""
    given = {"code": code, "link": link, "to": to}
    return f"{base}{_SIGN_IN}?{urlencode({name: value for name, value in given.items() if value})}"


@dataclass(frozen=True, slots=True)
class _Visit:
    """A request, and what its keys are worth."""

    scope: HTTPScope
    headers: Headers
    session: str
    """One of ours; empty where it has none."""
    trusted: bool
    """It has the token."""
    run: RunOfToken | None
    """Whose token it has, where it is that of a run."""

    @property
    def verb(self) -> str:
        return str(self.scope["method"])

    @property
    def path(self) -> str:
        return self.scope["path"]

    @property
    def is_from_elsewhere(self) -> bool:
        """A browser goes to a page from another site, or a file, and so left its cookie for us out."""
        return self.headers.only("sec-fetch-site") == "cross-site" and self.verb == "GET"


class Guard:
    """An ASGI application around `app`, which is reached at `port` of this host under loopback names only."""

    def __init__(
        self,
        app: ASGIApp,
        keys: Keys,
        port: int,
        cookie: str,
        keep: Callable[[], Awaitable[None]],
        role: Role = Role.OWNER,
    ) -> None:
        """`keep`: has the next server know who is signed in. `role`: what all may who come in."""
        self._app = app
        self._keys = keys
        self._keep = keep
        self._role = role
        self._peers = peers.Known()
        self._cookie = cookie
        self._hosts = {f"{name}:{port}" for name in ("127.0.0.1", "localhost", "[::1]")}
        if port == 80:
            self._hosts |= {"127.0.0.1", "localhost", "[::1]"}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            return  # a web socket is refused by leaving it unanswered; the listener takes none
        if (path := mlflow_paths.spelled_once(scope["path"])) != scope["path"]:
            scope["path"] = path
            scope["raw_path"] = b"/" + scope["raw_path"].lstrip(b"/")
        headers = Headers(scope["headers"])
        session = headers.cookie(self._cookie) or ""
        known = bool(session) and await self._is_known(session, scope)
        token = shown_token(headers.all("authorization"))
        trusted = self._keys.is_token(token)
        run = self._keys.run_of(token) if token and not trusted else None
        visit = _Visit(scope, headers, session if known else "", trusted, run)
        say = partial(
            responses.answer,
            send,
            to_browser=headers.accepts("text/html"),
            head=visit.verb == "HEAD",
            path=visit.path,
        )
        if refusal := self._foreign(visit):
            await say(refusal)
        elif visit.path == _SIGN_IN and visit.verb == "GET":
            await self._sign_in(visit, send)
        elif run is not None:
            if not mlflow_paths.is_one(visit.path):
                await say(responses.NOT_A_RUNS)
                return
            scope.setdefault("state", {}).update({"by_gateway": True, OF_A_RUN: run})
            await self._app(scope, receive, responses.secured(send, visit.path))
        elif not known and not visit.trusted:
            unknown = responses.WRONG_TOKEN if token else responses.UNKNOWN
            await say(unknown, go_on=_same_page(visit))
        elif visit.path == _SIGN_OUT and visit.verb == "POST":
            self._keys.end_session(session)
            await self._keep()
            gone = f"{self._cookie}=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict"
            await say(responses.SIGNED_OUT, more={"set-cookie": gone})
        elif known and visit.path == "/" and visit.verb in _READING:
            await responses.respond(
                send, 303, b"", {"cache-control": "no-store", "location": PAGES}, head=visit.verb == "HEAD"
            )
        elif not visit.trusted and not is_asked(visit.verb, visit.path):
            await say(responses.NOT_A_PAGES)
        else:
            scope.setdefault("state", {})["by_gateway"] = True
            if self._role is not Role.OWNER:
                set_caller(scope, Caller("", "", self._role))
            await self._app(scope, receive, responses.secured(send, visit.path))

    def _foreign(self, visit: _Visit) -> responses.Said | None:
        """Why a request does not come from a page of ours or a client of this host, whatever keys it has.

        Only a browser sends a session, and browsers say which site a request that may change something is from.
        """
        host = visit.headers.only("host")
        if host is None or host.lower() not in self._hosts:
            return responses.wrong_address(min(self._hosts))
        must_tell = bool(visit.session) and not visit.trusted
        if visit.verb in _READING or not (must_tell or visit.headers.all("origin")):
            return None
        if visit.headers.only("origin") == f"http://{host.lower()}":
            return None
        return responses.FOREIGN

    async def _sign_in(self, visit: _Visit, send: Send) -> None:
        asked = _query(visit)
        target = asked.get("to", "")
        target = target if is_page(target) else PAGES
        code, link = asked.get("code", ""), asked.get("link", "")
        own = await self._peers.is_own(visit.scope)
        by_code = self._keys.redeem(code)
        by_link = bool(link) and self._keys.is_link(link) and own
        session = self._keys.new_session(own=own) if by_code or by_link else None
        if session is not None:
            await self._keep()
        if session is None and not visit.session:
            to_browser = visit.headers.accepts("text/html")
            await responses.answer(send, responses.SPENT, to_browser=to_browser, go_on=_same_page(visit))
            return
        more = {"cache-control": "no-store"}
        if session is not None:
            more["set-cookie"] = f"{self._cookie}={session}; Path=/; HttpOnly; SameSite=Strict"
        if visit.is_from_elsewhere:  # where that site began, a redirection would lose the cookie again
            await responses.answer(send, responses.SIGNED_IN, to_browser=True, go_on=target, more=more)
        else:
            await responses.respond(send, 303, b"", more | {"location": target})

    async def _is_known(self, session: str, scope: HTTPScope) -> bool:
        """Whether it is one of ours, and whoever brings it is who began it, as far as the system says.

        Browsers bring the cookies of a host to all its ports: another user who listens at one may be given ours.
        """
        found = self._keys.session(session)
        return found is not None and (not found.own or await self._peers.is_own(scope))


def _same_page(visit: _Visit) -> str:
    """The address itself, to be asked for once more by a page of ours: a browser then sends the cookie it has."""
    query = visit.scope["query_string"]
    if not visit.is_from_elsewhere or len(query) > _LONGEST_QUERY or not visit.headers.accepts("text/html"):
        return ""
    if not (visit.path in ("/", _SIGN_IN) or visit.path.startswith(PAGES)):
        return ""
    return quote(visit.path) + (f"?{query.decode('latin-1')}" if query else "")


def _query(visit: _Visit) -> dict[str, str]:
    query = visit.scope["query_string"]
    if len(query) > _LONGEST_QUERY:
        return {}
    return {name: values[0] for name, values in parse_qs(query.decode("latin-1")).items()}
