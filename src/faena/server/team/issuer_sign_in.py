"""Browsers that sign in by OpenID Connect: they go to the issuer, and come back with a code that stands for a name."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import logging
from collections import OrderedDict
from urllib.parse import parse_qs, urlencode

from litestar.types import HTTPScope

from faena.db import Database
from faena.kernel.clock import Clock
from faena.people.openid import admission, arrival
from faena.people.openid.failures import NotSignedIn
from faena.people.openid.provider import Provider
from faena.people.openid.settings import OpenId
from faena.server.listener.request_headers import Headers
from faena.server.team import begun
from faena.server.team.begun import Begun
from faena.server.team.paths import BACK

_LONGEST_CODE = 4096
_MOST_FIELDS = 20
_MOST_SPENT = 4096
_log = logging.getLogger(__name__)


class IssuerSignIn:
    """Belongs to one event loop."""

    def __init__(self, settings: OpenId, database: Database, clock: Clock) -> None:
        self._settings = settings
        self._database = database
        self._clock = clock
        self._provider = Provider(settings, clock)
        self._spent: OrderedDict[str, None] = OrderedDict()
        self._looking: asyncio.Task[None] | None = None

    @property
    def host(self) -> str:
        return self._settings.host

    def look(self) -> None:
        """Ask the issuer once, beside all else: whoever starts the server is told where it does not answer."""
        self._looking = asyncio.create_task(self._look())

    async def leave(self) -> None:
        if self._looking is not None:
            self._looking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._looking

    async def begin(self, headers: Headers, target: str) -> tuple[str, Begun]:
        """Where the browser goes, and what it is to show when it comes back. Raises NotSignedIn."""
        try:
            described = await self._provider.description()
        except NotSignedIn as error:
            self._tell(error)
            raise
        made = begun.begin(target, self._clock.now())
        asked = {
            "response_type": "code",
            "client_id": self._settings.client_id,
            "redirect_uri": _redirect(headers),
            "scope": self._settings.scopes,
            "state": made.state,
            "nonce": made.nonce,
            "code_challenge": made.challenge,
            "code_challenge_method": "S256",
        }
        there = described.authorization_endpoint
        return f"{there}{'&' if '?' in there else '?'}{urlencode(asked)}", made

    async def finish(self, scope: HTTPScope, headers: Headers, shown: str | None) -> tuple[str, str]:
        """Who came back, by the name here, and which page they asked for. `shown`: the cookie. Raises NotSignedIn."""
        try:
            return await self._finish(scope, headers, shown)
        except NotSignedIn as error:
            self._tell(error)
            raise

    async def _finish(self, scope: HTTPScope, headers: Headers, shown: str | None) -> tuple[str, str]:
        came = _fields(scope["query_string"])
        now = self._clock.now()
        sign_in = begun.read(shown or "")
        if not shown or sign_in.is_over(now):
            raise NotSignedIn(
                "This sign-in was begun in another browser, or more than 10 minutes ago. Begin again."
            )
        if not hmac.compare_digest(_only(came, "state").encode(), sign_in.state.encode()):
            raise NotSignedIn(
                "This is the answer to another sign-in. Begin again.", "the state is another one"
            )
        if sign_in.state in self._spent:
            raise NotSignedIn("This sign-in was used already. Begin again.", "the state was shown before")
        self._spend(sign_in.state)
        if "error" in came:
            said = _word(_only(came, "error"))
            why = "you, or it, said no" if said == "access_denied" else said
            raise NotSignedIn(f"{self.host} did not sign you in: {why}.", f"it sent the error {said}")
        described = await self._provider.description()
        said_by = _only(came, "iss")
        if said_by != self._settings.issuer and (
            said_by or described.authorization_response_iss_parameter_supported
        ):
            raise NotSignedIn(f"This is not the answer of {self.host}. Begin again.", "iss is another one")
        code = _only(came, "code")
        if not 0 < len(code) <= _LONGEST_CODE:
            raise NotSignedIn(f"{self.host} sent no code. Begin again.", "there is no code")
        claims = await self._provider.claims(code, sign_in.verifier, _redirect(headers), sign_in.nonce)
        found = admission.identity(self._settings, claims)
        newcomers = self._settings.newcomers
        person = await self._database.write(lambda write: arrival.arrive(write, found, newcomers, now))
        return person, sign_in.target

    def _spend(self, state: str) -> None:
        self._spent[state] = None
        while len(self._spent) > _MOST_SPENT:
            self._spent.popitem(last=False)

    async def _look(self) -> None:
        try:
            await self._provider.description()
        except NotSignedIn as error:
            self._tell(error)
            _log.warning("people sign in with their tokens until %s answers", self.host)

    def _tell(self, error: NotSignedIn) -> None:
        _log.warning("sign-in by %s: %s", self.host, error.detail or error.message)


def _redirect(headers: Headers) -> str:
    """This server as the browser names it; the issuer takes those addresses alone that it was told of."""
    return f"https://{headers.only('host') or ''}{BACK}"


def _fields(query: bytes) -> dict[str, list[str]]:
    try:
        return parse_qs(query.decode("latin-1"), max_num_fields=_MOST_FIELDS)
    except ValueError:
        return {}


def _only(came: dict[str, list[str]], name: str) -> str:
    found = came.get(name, [])
    return found[0] if len(found) == 1 else ""


def _word(text: str) -> str:
    """An error's code, where it is one: what an address says is shown to nobody as it is."""
    return text if 0 < len(text) <= 40 and text.replace("_", "a").isalnum() and text.isascii() else "an error"
