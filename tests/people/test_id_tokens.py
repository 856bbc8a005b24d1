"""An ID token signs somebody in if it is the issuer's, for us, of now and of this sign-in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jwt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faena.people.openid.failures import NotTrusted
from faena.people.openid.id_tokens import UnknownKey, verified
from faena.people.openid.settings import OpenId
from tests.examples import examples
from tests.people.issuer import CLIENT, SECRET, Issuer, jwk, key

SETTINGS = OpenId("https://issuer.example", CLIENT, SECRET)
NONCE = "n-1"


@pytest.fixture
def issuer() -> Issuer:
    return Issuer(SETTINGS.issuer)


def read(issuer: Issuer) -> dict[str, Any]:
    return verified(issuer.token(NONCE), issuer.keys, SETTINGS, NONCE)


def test_one_that_is_right(issuer: Issuer) -> None:
    assert read(issuer)["email"] == "bob@example.org"
    issuer.changes = {"aud": [CLIENT, "another"], "azp": CLIENT}
    assert read(issuer)["sub"] == "1"


def other_key(claims: dict[str, Any]) -> str:
    return jwt.encode(claims, key("other"), "RS256", headers={"kid": "first"})


def no_signature(claims: dict[str, Any]) -> str:
    return jwt.encode(claims, "", "none", headers={"kid": "first"})


def shared_secret(claims: dict[str, Any]) -> str:
    return jwt.encode(claims, SECRET * 4, "HS256", headers={"kid": "first"})


def unknown_key(claims: dict[str, Any]) -> str:
    return jwt.encode(claims, key("other"), "RS256", headers={"kid": "other", "jwk": jwk("other")})


def unknown_words(claims: dict[str, Any]) -> str:
    return jwt.encode(claims, key("first"), "RS256", headers={"kid": "first", "crit": ["x"], "x": 1})


def cut_off(claims: dict[str, Any]) -> str:
    return jwt.encode(claims, key("first"), "RS256", headers={"kid": "first"}).rpartition(".")[0] + "."


def too_large(claims: dict[str, Any]) -> str:
    return jwt.encode({**claims, "x": "y" * 70_000}, key("first"), "RS256", headers={"kid": "first"})


@pytest.mark.parametrize(
    "sign",
    [other_key, no_signature, shared_secret, unknown_key, unknown_words, cut_off, too_large],
)
def test_signatures_that_are_none(issuer: Issuer, sign: Callable[[dict[str, Any]], str]) -> None:
    issuer.sign = sign
    with pytest.raises(NotTrusted):
        read(issuer)


@settings(max_examples=examples(20), deadline=None)
@given(st.text(max_size=60) | st.from_regex(r"[A-Za-z0-9_-]{2,40}\.[A-Za-z0-9_-]{2,40}\.[A-Za-z0-9_-]{0,40}"))
def test_any_text_is_refused(text: str) -> None:
    with pytest.raises(NotTrusted):
        verified(text, [jwk("first")], SETTINGS, NONCE)


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://evil.example"},
        {"iss": "https://issuer.example/"},
        {"aud": "another"},
        {"aud": None},
        {"aud": []},
        {"aud": [CLIENT, "another"]},
        {"azp": "another"},
        {"nonce": "another"},
        {"nonce": None},
        {"nonce": 1},
        {"nonce": "\ud800"},
        {"exp": 1_700_000_000},
        {"exp": None},
        {"exp": "soon"},
        {"nbf": 4_000_000_000},
        {"iat": 4_000_000_000},
        {"sub": None},
        {"sub": 7},
        {"sub": ""},
        {"sub": "x" * 256},
    ],
    ids=str,
)
def test_what_it_says(issuer: Issuer, changes: dict[str, Any]) -> None:
    issuer.changes = changes
    with pytest.raises(NotTrusted) as told:
        read(issuer)
    assert not isinstance(told.value, UnknownKey), "no other key would make it good"


@pytest.mark.parametrize(
    "wrong",
    [
        {"use": "enc"},
        {"alg": "PS256"},
        {"kty": "oct", "k": "YWFh"},
        {"kty": "EC", "crv": "P-256", "x": "AQAB", "y": "AQAB"},
        {"n": "AQAB"},
        {"n": ""},
        {"e": "!"},
        {"kid": "other"},
    ],
    ids=str,
)
def test_keys_that_are_for_something_else(issuer: Issuer, wrong: dict[str, str]) -> None:
    issuer.keys = [jwk("first", **wrong)]
    with pytest.raises(UnknownKey):
        read(issuer)


def test_keys_and_tokens_without_an_id(issuer: Issuer) -> None:
    issuer.sign = lambda claims: jwt.encode(claims, key("first"), "RS256")
    issuer.keys = [jwk("other"), jwk("first")]
    assert read(issuer)["sub"] == "1"
