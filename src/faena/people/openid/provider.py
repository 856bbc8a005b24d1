"""An issuer as a server knows it: what it says of itself and its keys, which are kept for a while."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from faena.kernel.clock import Clock
from faena.kernel.lanes import Lane
from faena.people.openid import issuer
from faena.people.openid.failures import NoAnswer, NotSignedIn, NotTrusted
from faena.people.openid.issuer import Description
from faena.people.openid.settings import OpenId

P = ParamSpec("P")
T = TypeVar("T")

_GOOD_FOR = 3600.0
"""Seconds for which what an issuer says of itself, and its keys, are not asked for again."""
_NO_SOONER = 5.0
"""Seconds in which an issuer that did not answer is not asked again."""
_KEYS_NO_SOONER = 30.0
"""Seconds between looks for new keys, which whoever has an ID token of another's could have us ask for."""
_PATIENCE = 20.0
"""Seconds for which somebody waits for one answer, also while others wait."""


class Provider:
    """Belongs to one event loop."""

    def __init__(self, settings: OpenId, clock: Clock) -> None:
        self.settings = settings
        self._clock = clock
        self._lane = Lane("openid", 4)  # an issuer that is slow holds up nobody else
        self._asking = asyncio.Lock()
        self._description: Description | None = None
        self._keys: list[dict[str, Any]] = []
        self._good_until = 0.0
        self._keys_at = float("-inf")
        self._failed: NotSignedIn | None = None
        self._not_before = float("-inf")
        self._no_keys: NotSignedIn | None = None
        self._no_keys_before = float("-inf")

    async def description(self) -> Description:
        """Raises NoAnswer and NotTrusted."""
        async with self._asking:
            if self._description is not None and self._clock.monotonic() < self._good_until:
                return self._description
            if self._failed is not None and self._clock.monotonic() < self._not_before:
                raise self._failed
            try:
                found = await self._run(issuer.describe, self.settings)
            except NotSignedIn as error:
                self._failed, self._not_before = error, self._clock.monotonic() + _NO_SOONER
                raise
            if self._description is None or found.jwks_uri != self._description.jwks_uri:
                self._keys, self._keys_at = [], float("-inf")
            self._description, self._failed = found, None
            self._good_until = self._clock.monotonic() + _GOOD_FOR
            return found

    async def claims(self, code: str, verifier: str, redirect: str, nonce: str) -> dict[str, Any]:
        """What the issuer says of whom the code is of. Raises NoAnswer, NotTrusted and NotSignedIn."""
        from faena.people.openid import admission, id_tokens  # loads cryptography's keys

        described = await self.description()
        tokens = await self._run(issuer.redeem, self.settings, described, code, verifier, redirect)

        async def read() -> dict[str, Any]:
            return await self._run(id_tokens.verified, tokens.id_token, self._keys, self.settings, nonce)

        await self._look_for_keys(described, _GOOD_FOR)
        try:
            found = await read()
        except id_tokens.UnknownKey:
            if not await self._look_for_keys(described, _KEYS_NO_SOONER):
                raise
            found = await read()
        if tokens.access_token and described.userinfo_endpoint and admission.is_missing(self.settings, found):
            more = await self._run(issuer.tell_of, self.settings, described, tokens.access_token)
            if more.get("sub") != found["sub"]:
                raise NotTrusted(self.settings.host, "what it tells of somebody is of somebody else (sub)")
            found = {**more, **found}
        return found

    async def _look_for_keys(self, described: Description, older_than: float) -> bool:
        """Whether they were asked for; not, where those that are there are younger."""
        async with self._asking:
            now = self._clock.monotonic()
            if now - self._keys_at < older_than:
                return False
            # else each who waits waits for all before
            if self._no_keys is not None and now < self._no_keys_before:
                raise self._no_keys
            try:
                self._keys = await self._run(issuer.keys, self.settings, described)
            except NotSignedIn as error:
                self._no_keys, self._no_keys_before = error, self._clock.monotonic() + _NO_SOONER
                raise
            self._keys_at, self._no_keys = self._clock.monotonic(), None
            return True

    async def _run(self, work: Callable[P, T], *arguments: P.args, **options: P.kwargs) -> T:
        try:
            return await asyncio.wait_for(self._lane.run(work, *arguments, **options), _PATIENCE)
        except TimeoutError:
            raise NoAnswer(self.settings.host, f"it did not answer within {_PATIENCE:g} s") from None
