"""Tokens of runs: each is made from its run, its attempt and the workspace's token, so that none need be kept.

Whoever holds one learns nothing of the workspace's token. Whether the run still goes on is asked elsewhere.
"""

from __future__ import annotations

import hashlib
import hmac

from msgspec import Struct

OF_A_RUN = "run_of_token"
"""Where the state of a request has the run whose token it came with."""
_PURPOSE = b"faena: tokens of runs"
_BEGINNING = "run"
_LONGEST = 400
_LONGEST_NUMBER = 9


class RunOfToken(Struct, frozen=True):
    run_id: str
    attempt: int


class RunTokens:
    """Of one workspace. `token`: its own, of 256 random bits; with another one, all tokens of runs are others."""

    def __init__(self, token: str) -> None:
        self._key = hmac.digest(token.encode("utf-8", "surrogateescape"), _PURPOSE, hashlib.sha256)

    def of(self, run: RunOfToken) -> str:
        told = f"{_BEGINNING}.{run.run_id}.{run.attempt}"
        return f"{told}.{self._signature(told)}"

    def read(self, token: str) -> RunOfToken | None:
        """None for what is no token of this workspace's runs."""
        told, _, signature = token.rpartition(".")
        parts = told.split(".")
        if len(token) > _LONGEST or not token.isascii() or len(parts) != 3 or parts[0] != _BEGINNING:
            return None
        if not hmac.compare_digest(self._signature(told), signature):
            return None
        number = parts[2]
        return (
            RunOfToken(parts[1], int(number)) if number.isdigit() and len(number) <= _LONGEST_NUMBER else None
        )

    def _signature(self, told: str) -> str:
        return hmac.digest(self._key, told.encode(), hashlib.sha256).hex()
