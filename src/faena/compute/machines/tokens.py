"""What nodes are known by: join tokens, a machine's own, and one for each attempt.

    FAENA1-<fingerprint of the listener's certificate, or `plain`>-<secret>   to join with, or a machine's own
    <attempt, base64>.<MAC>                                                   of an attempt

A machine trusts the certificate whose fingerprint its token names and no other: it needs no file of authorities.
The server keeps digests of the secrets; those of attempts are told from a key that it has.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import secrets
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from faena.kernel.durable import write_once

_FORM = "FAENA1"
PLAIN = "plain"
"""In the place of a fingerprint, where the listener has no certificate."""
_KEY = "attempts.key"
_KEY_BYTES = 32


def new_token(fingerprint: str) -> str:
    return f"{_FORM}-{fingerprint or PLAIN}-{secrets.token_hex(24)}"


def digest(token: str) -> str:
    """By which it is found: the fingerprint in it may be that of an earlier certificate."""
    return hashlib.sha256(token.rpartition("-")[2].encode("utf-8", "surrogateescape")).hexdigest()


class AttemptTokens:
    """Of one workspace; `folder`: where its server keeps what concerns nodes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def of(self, attempt: str) -> str:
        """`attempt`: by name, `AttemptKey.name`."""
        named = base64.urlsafe_b64encode(attempt.encode()).decode().rstrip("=")
        return f"{named}.{self._mac(attempt)}"

    def attempt_of(self, token: str) -> str | None:
        """Whose it is; None for what is no token of an attempt."""
        named, _, mac = token.partition(".")
        try:
            attempt = base64.urlsafe_b64decode(named + "=" * (-len(named) % 4)).decode()
        except (ValueError, binascii.Error):
            return None
        return attempt if mac and hmac.compare_digest(mac.encode(), self._mac(attempt).encode()) else None

    def _mac(self, attempt: str) -> str:
        return hmac.new(_key(self._folder), attempt.encode(), hashlib.sha256).hexdigest()


@lru_cache(8)
def _key(folder: Path) -> bytes:
    """Made where there is none. Raises OSError."""
    path = folder / _KEY
    with suppress(FileNotFoundError):
        return _read(path)
    folder.mkdir(mode=0o700, exist_ok=True)
    with suppress(FileExistsError):
        write_once(path, os.urandom(_KEY_BYTES), mode=0o600)
    return _read(path)


def _read(path: Path) -> bytes:
    found = path.read_bytes()
    if len(found) != _KEY_BYTES:
        raise OSError(f"{path} is damaged: remove it, and end the runs on other machines")
    return found
