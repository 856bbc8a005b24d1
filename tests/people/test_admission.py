"""Who may come of those whom an issuer knows, and by which name."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from faena.people.openid.admission import identity, is_missing
from faena.people.openid.failures import NotSignedIn
from faena.people.openid.settings import OpenId

SETTINGS = OpenId("https://issuer.example", "faena", allow=("@example.org", "eve@other.org", "group:lab"))
BOB: dict[str, Any] = {"sub": "1", "email": "bob@example.org", "email_verified": True}


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"email": "BOB@Example.Org"},
        {"email": "eve@other.org"},
        {"email": "eve@other.org", "email_verified": "true"},
        {"email": "dan@else.org", "groups": ["all", "lab"]},
    ],
    ids=str,
)
def test_who_may_come(told: dict[str, Any]) -> None:
    assert identity(SETTINGS, {**BOB, **told}).name == {**BOB, **told}["email"].lower()


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({"email": "bob@example.com"}, "not among those who may come"),
        ({"email": "bob@evil-example.org"}, "not among those who may come"),
        ({"email": "bob@example.org.evil.com"}, "not among those who may come"),
        ({"email": "bob@else.org", "groups": "lab"}, "not among those who may come"),
        ({"email": "bob@else.org", "groups": ["laboratory", 1, None]}, "not among those who may come"),
        ({"email_verified": False}, "has not checked"),
        ({"email_verified": "yes"}, "has not checked"),
        ({"email_verified": None}, "has not checked"),
        ({"email": None}, "does not tell your address"),
        ({"email": ""}, "does not tell your address"),
        ({"email": ["bob@example.org"]}, "does not tell your address"),
        ({"email": "a b@example.org"}, "cannot be a person"),
        ({"email": "b\u043eb@example.org"}, "cannot be a person"),
        ({"email": "x" * 90 + "@example.org"}, "cannot be a person"),
    ],
    ids=str,
)
def test_who_may_not(told: dict[str, Any], why: str) -> None:
    with pytest.raises(NotSignedIn, match=why):
        identity(SETTINGS, {**BOB, **told})


def test_another_claim_is_the_name_and_an_address_counts_only_where_it_was_checked() -> None:
    by_login = replace(SETTINGS, name_claim="preferred_username")
    claims = {**BOB, "preferred_username": "bob"}
    assert identity(by_login, claims).name == "bob"
    with pytest.raises(NotSignedIn, match="not among"):
        identity(by_login, {**claims, "email_verified": False})


def test_somebody_is_the_issuers_id_of_them_and_not_another_issuers() -> None:
    here = identity(SETTINGS, BOB).subject
    assert identity(SETTINGS, {**BOB, "email": "robert@example.org"}).subject == here
    assert identity(SETTINGS, {**BOB, "sub": "2"}).subject != here
    assert identity(replace(SETTINGS, issuer="https://other.example"), BOB).subject != here


def test_the_issuer_is_asked_for_more_where_that_decides() -> None:
    assert is_missing(SETTINGS, BOB), "groups"
    assert not is_missing(SETTINGS, {**BOB, "groups": []})
    everybody = replace(SETTINGS, allow=("*",))
    assert not is_missing(everybody, BOB)
    assert is_missing(everybody, {"sub": "1"})
