"""Who may ask: whoever has one of two keys, compared in constant time."""

from __future__ import annotations

import hmac
from collections.abc import Sequence

from faena.scoring.exchange import Answer
from faena.scoring.http.responses import refusal

_SCHEME = b"bearer "
_CHALLENGE = ((b"www-authenticate", b"Bearer"),)
_MISSING = refusal(401, "The request has no key. Send the header Authorization: Bearer KEY.", _CHALLENGE)
_WRONG = refusal(401, "The request's key is none of this endpoint's. Has it been regenerated?", _CHALLENGE)


class Keys:
    """None: everybody may."""

    def __init__(self, keys: Sequence[str] | None) -> None:
        self._keys = None if keys is None else [key.encode() for key in keys]

    def refuse(self, authorization: bytes | None) -> Answer | None:
        if self._keys is None:
            return None
        if authorization is None:
            return _MISSING
        if authorization[:7].lower() != _SCHEME:
            return _WRONG
        given = authorization[7:].strip()
        found = False
        for key in self._keys:
            found |= hmac.compare_digest(given, key)
        return None if found else _WRONG
