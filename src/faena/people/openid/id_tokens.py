"""Whether an ID token is the issuer's word, for us, of now, and of the sign-in that was begun."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from typing import Any

import jwt

from faena.people.openid.failures import NotTrusted
from faena.people.openid.settings import OpenId

_ALGORITHMS = (
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
)  # fmt: skip
"""None of a secret that both sides know, and none without a signature."""
_LEEWAY = 60.0
"""Seconds by which the issuer's clock and ours may differ."""
_LARGEST = 64 << 10
_MOST_TRIED = 10
_RSA_BITS = range(2048, 8193)
_ASKED = ["iss", "sub", "aud", "exp", "iat"]
_LONGEST_SUBJECT = 255


class UnknownKey(NotTrusted):
    """The issuer may have new keys: whoever has those of before asks for them once more."""


def verified(token: str, keys: Sequence[dict[str, Any]], settings: OpenId, nonce: str) -> dict[str, Any]:
    """What the token says of somebody. Raises UnknownKey and NotTrusted."""
    host = settings.host
    if len(token) > _LARGEST:
        raise NotTrusted(host, "its ID token is too large")
    try:
        header = jwt.get_unverified_header(token)
    except jwt.PyJWTError as error:
        raise NotTrusted(host, f"its ID token cannot be read: {error}") from None
    algorithm = header.get("alg")
    if algorithm not in _ALGORITHMS:
        raise NotTrusted(host, f"its ID token is signed by {str(algorithm)[:40]!a}")
    if "crit" in header:
        raise NotTrusted(host, "its ID token asks for what we do not know (crit)")
    found = [key for each in keys if (key := _usable(each, algorithm, header.get("kid"))) is not None]
    if not found:
        raise UnknownKey(host, f"none of its keys is that of its ID token ({str(header.get('kid'))[:80]!a})")
    claims = _signed(token, found[:_MOST_TRIED], algorithm, settings)
    _check(claims, settings, nonce)
    return claims


def _usable(key: dict[str, Any], algorithm: str, kid: object) -> jwt.PyJWK | None:
    """None: it is another one, or for something else."""
    if kid is not None and key.get("kid") != kid:
        return None
    if key.get("use", "sig") != "sig" or key.get("alg", algorithm) != algorithm:
        return None
    try:
        made = jwt.PyJWK(key, algorithm)
        if key.get("kty") == "RSA" and made.key.key_size not in _RSA_BITS:
            return None
    except (jwt.PyJWTError, ValueError, TypeError, AttributeError):
        return None
    return made


def _signed(token: str, keys: list[jwt.PyJWK], algorithm: str, settings: OpenId) -> dict[str, Any]:
    failure: jwt.PyJWTError | None = None
    for key in keys:
        try:
            return jwt.decode(
                token,
                key.key,
                algorithms=[algorithm],
                audience=settings.client_id,
                issuer=settings.issuer,
                leeway=_LEEWAY,
                options={"require": _ASKED},
            )
        except jwt.InvalidSignatureError as error:
            failure = error
        except jwt.PyJWTError as error:
            raise NotTrusted(settings.host, f"its ID token is not good: {error}") from None
    # a key that has the same id as one of before
    raise UnknownKey(settings.host, f"its ID token is not good: {failure}")


def _check(claims: dict[str, Any], settings: OpenId, nonce: str) -> None:
    """What is OpenID Connect's, and no library's of signatures."""
    host, shown, subject = settings.host, claims.get("nonce"), claims["sub"]
    if not isinstance(shown, str) or not hmac.compare_digest(
        shown.encode("utf-8", "surrogatepass"), nonce.encode()
    ):
        raise NotTrusted(host, "its ID token is of another sign-in (nonce)")
    if not isinstance(subject, str) or not 0 < len(subject) <= _LONGEST_SUBJECT:
        raise NotTrusted(host, "its ID token names nobody (sub)")
    audience, party = claims["aud"], claims.get("azp", settings.client_id)
    if party != settings.client_id or (
        isinstance(audience, list) and len(audience) > 1 and "azp" not in claims
    ):
        raise NotTrusted(host, "its ID token is for another program (azp)")
