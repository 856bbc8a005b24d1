"""Who may come, and by which name, of those whom an issuer knows. No I/O."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from faena.kernel.errors import UserErrorException
from faena.people.model import check_name
from faena.people.openid.failures import NotSignedIn
from faena.people.openid.settings import OpenId

_EMAIL = "email"
_MOST_GROUPS = 10_000


class Identity(Struct, frozen=True):
    name: str
    """By which they are known here, in lower case where it is an address."""
    subject: str
    """A digest of the issuer and its id of them, which stays where the name changes."""


def is_missing(settings: OpenId, claims: Mapping[str, Any]) -> bool:
    """Whether the issuer is to be asked for more: some tell in an ID token no more than whose it is."""
    by_group = any(each.startswith("group:") for each in settings.allow)
    by_address = any("@" in each and not each.startswith("group:") for each in settings.allow)
    wanted = {settings.name_claim}
    wanted |= {settings.groups_claim} if by_group else set()
    wanted |= {_EMAIL} if by_address else set()
    wanted |= {"email_verified"} if _EMAIL in wanted else set()
    return not wanted <= claims.keys()


def identity(settings: OpenId, claims: Mapping[str, Any]) -> Identity:
    """Raises NotSignedIn for who may not come, or whose name cannot be one here."""
    name = claims.get(settings.name_claim)
    if not isinstance(name, str) or not name:
        raise NotSignedIn(
            f"{settings.host} does not tell your {_word(settings.name_claim)}, which is your name here. Let it tell "
            "that, or ask an owner of the workspace: `oidc_name_claim` and `oidc_scopes` say what it is asked for."
        )
    if settings.name_claim == _EMAIL:
        name = name.lower()
        if not _is_verified(claims):
            raise NotSignedIn(
                f"{settings.host} has not checked that {name[:80]} is yours. Have it check your address, then sign in."
            )
    try:
        check_name(name)
    except UserErrorException as error:
        raise NotSignedIn(error.message) from None
    if not _may_come(settings, claims):
        raise NotSignedIn(f"{name} is not among those who may come here. Ask an owner of the workspace.")
    told = f"{settings.issuer}\n{claims['sub']}"
    return Identity(name, hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest())


def _may_come(settings: OpenId, claims: Mapping[str, Any]) -> bool:
    if not settings.allow or "*" in settings.allow:
        return True
    address = claims.get(_EMAIL)
    known = address.lower() if isinstance(address, str) and _is_verified(claims) else ""
    groups = claims.get(settings.groups_claim)
    listed = (
        {each for each in groups[:_MOST_GROUPS] if isinstance(each, str)}
        if isinstance(groups, list)
        else set()
    )
    for each in settings.allow:
        if each.startswith("group:"):
            if each.removeprefix("group:") in listed:
                return True
        elif known and (known == each.lower() if not each.startswith("@") else known.endswith(each.lower())):
            return True
    return False


def _is_verified(claims: Mapping[str, Any]) -> bool:
    """Some issuers say it as text."""
    return claims.get("email_verified") in (True, "true")


def _word(claim: str) -> str:
    return "address" if claim == _EMAIL else claim
