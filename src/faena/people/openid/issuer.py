"""What is asked of an issuer: what it says of itself, its keys, tokens for a code, and what it knows of somebody.

Blocks: each answer has bounds of time and size, and no redirection is followed.
"""

from __future__ import annotations

import http.client
import ssl
from base64 import b64encode
from functools import cache
from typing import Any, TypeVar
from urllib.parse import quote_plus, urlencode, urlsplit

import msgspec
from msgspec import Struct

from faena.kernel.bounded_requests import exchange
from faena.kernel.hidden import hiding
from faena.people.openid.failures import NoAnswer, NotSignedIn, NotTrusted
from faena.people.openid.settings import OpenId, is_reachable

T = TypeVar("T")

_SILENT = 5.0
"""Seconds for which an issuer may say nothing."""
_WHOLE = 10.0
"""Seconds of a request with its answer."""
_MOST = 512 << 10
_MOST_KEYS = 100
_DISCOVERY = "/.well-known/openid-configuration"


class Description(Struct, frozen=True):
    """What an issuer says of itself, as far as it is asked."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str = ""
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    authorization_response_iss_parameter_supported: bool = False


class Tokens(Struct, frozen=True):
    id_token: str
    access_token: str = ""

    __repr__ = hiding("id_token", "access_token")


class _Keys(Struct, frozen=True):
    keys: list[dict[str, Any]]


class _Error(Struct, frozen=True):
    error: str = ""


def describe(settings: OpenId) -> Description:
    """Raises NoAnswer, and NotTrusted where it says that it is another one."""
    url = settings.issuer.rstrip("/") + _DISCOVERY
    found = _decoded(settings, _asked(settings, url), Description)
    if found.issuer != settings.issuer:
        raise NotTrusted(
            settings.host, f"{url} is of the issuer {found.issuer[:200]!a}, not {settings.issuer!a}"
        )
    ends = (found.authorization_endpoint, found.token_endpoint, found.jwks_uri, found.userinfo_endpoint)
    if strange := [each for each in ends if each and not is_reachable(each)]:
        raise NotTrusted(settings.host, f"{url} names {strange[0][:200]!a}, which is not reached by TLS")
    return found


def keys(settings: OpenId, description: Description) -> list[dict[str, Any]]:
    """Its public keys, as JWKs. Raises NoAnswer."""
    return _decoded(settings, _asked(settings, description.jwks_uri), _Keys).keys[:_MOST_KEYS]


def redeem(settings: OpenId, description: Description, code: str, verifier: str, redirect: str) -> Tokens:
    """Raises NoAnswer, and NotSignedIn where the code is good for nothing."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect,
        "client_id": settings.client_id,
        "code_verifier": verifier,
    }
    headers = {}
    if settings.client_secret:
        if "client_secret_basic" in description.token_endpoint_auth_methods_supported:
            pair = f"{quote_plus(settings.client_id)}:{quote_plus(settings.client_secret)}"
            headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
        else:
            form["client_secret"] = settings.client_secret
    return _decoded(
        settings, _asked(settings, description.token_endpoint, urlencode(form).encode(), headers), Tokens
    )


def tell_of(settings: OpenId, description: Description, access_token: str) -> dict[str, Any]:
    """What it knows of whom the token is of. Raises NoAnswer."""
    shown = {"Authorization": f"Bearer {access_token}"}
    return _decoded(settings, _asked(settings, description.userinfo_endpoint, None, shown), dict[str, Any])


def _asked(
    settings: OpenId, url: str, form: bytes | None = None, headers: dict[str, str] | None = None
) -> bytes:
    parts = urlsplit(url)
    host = str(parts.hostname)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    sent = {"Accept": "application/json", "User-Agent": "faena", **(headers or {})}
    if form is not None:
        sent["Content-Type"] = "application/x-www-form-urlencoded"
    try:
        connection = (
            http.client.HTTPSConnection(host, parts.port, timeout=_SILENT, context=_tls())
            if parts.scheme == "https"
            else http.client.HTTPConnection(host, parts.port, timeout=_SILENT)
        )
        verb = "GET" if form is None else "POST"
        answer = exchange(connection, verb, target, form, sent, seconds=_WHOLE, most=_MOST)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise NoAnswer(settings.host, f"{_named(url)}: {str(error)[:200] or type(error).__name__}") from None
    if answer.status == 200:
        return answer.body
    said = _error_in(answer.body)
    detail = f"{_named(url)} answered {answer.status}{f' ({said})' if said else ''}"
    if said == "invalid_grant":
        raise NotSignedIn("This sign-in was used already, or took too long. Begin again.", detail)
    raise NoAnswer(settings.host, detail)


def _decoded(settings: OpenId, body: bytes, form: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=form)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise NoAnswer(settings.host, f"its answer cannot be read: {error}") from None


def _error_in(body: bytes) -> str:
    """The word that an issuer gives for what is wrong, where it is one."""
    try:
        said = msgspec.json.decode(body, type=_Error).error
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return ""
    return said if len(said) <= 40 and said.replace("_", "a").isalnum() else ""


def _named(url: str) -> str:
    return url.partition("?")[0][:200]


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()
