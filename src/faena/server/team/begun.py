"""A sign-in by an issuer that a browser has begun: all of it is in a cookie, so that any process ends it. No I/O.

State, nonce and verifier are made of the cookie's value, its time included: who changes it has another sign-in, which
the issuer's answer is not of.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode

from msgspec import Struct

from faena.kernel.clock import Micros
from faena.kernel.hidden import hiding

GOOD_FOR = 600
"""Seconds in which somebody signs in at an issuer."""
_LONGEST_TARGET = 1500
"""A cookie has room for some 4,000 bytes."""


class Begun(Struct, frozen=True):
    secret: str
    """With the second in which it began before it."""
    target: str
    """The page that is shown then."""

    __repr__ = hiding("secret")

    @property
    def state(self) -> str:
        return self._made("state")

    @property
    def nonce(self) -> str:
        return self._made("nonce")

    @property
    def verifier(self) -> str:
        """Of PKCE: the issuer is told its digest at first, and itself with the code."""
        return self._made("verifier")

    @property
    def challenge(self) -> str:
        return _text(hashlib.sha256(self.verifier.encode()).digest())

    @property
    def cookie(self) -> str:
        return f"{self.secret}.{_text(self.target.encode())}"

    def is_over(self, now: Micros) -> bool:
        began = self.secret.partition("-")[0]
        return not began.isascii() or not began.isdigit() or not 0 <= now // 1_000_000 - int(began) < GOOD_FOR

    def _made(self, purpose: str) -> str:
        return _text(hmac.digest(self.secret.encode("utf-8", "surrogateescape"), purpose.encode(), "sha256"))


def begin(target: str, now: Micros) -> Begun:
    kept = target if len(target) <= _LONGEST_TARGET else ""
    return Begun(f"{now // 1_000_000}-{secrets.token_urlsafe(32)}", kept)


def read(cookie: str) -> Begun:
    """What a browser shows, whatever it is."""
    secret, _, packed = cookie.partition(".")
    try:
        target = urlsafe_b64decode(packed + "=" * (-len(packed) % 4)).decode()
    except ValueError:
        target = ""
    return Begun(secret[:200], target)


def _text(value: bytes) -> str:
    return urlsafe_b64encode(value).decode().rstrip("=")
