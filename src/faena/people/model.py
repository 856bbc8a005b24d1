"""People, their roles and tokens."""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass
from enum import StrEnum

from faena.kernel.clock import Micros
from faena.kernel.errors import UserErrorException
from faena.kernel.rights import Right

_FORM = "FAENAP"
_PLAIN = "plain"
"""In the place of a fingerprint, where the server's certificate is one that its clients' systems trust."""
_LETTERS, _CODE = "BCDFGHJKLMNPQRSTVWXZ", 8
"""Without vowels: no code is a word."""
_ROUNDS = 40_000
"""Of SHA-256 for a code, some 20 ms: a token that has the code of another cannot be found in the ten minutes."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}")


class Role(StrEnum):
    READER = "reader"
    CONTRIBUTOR = "contributor"
    OWNER = "owner"

    @property
    def right(self) -> Right:
        return {Role.READER: Right.READ, Role.CONTRIBUTOR: Right.CONTRIBUTE, Role.OWNER: Right.OWN}[self]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, by a token or in a browser."""

    person: str
    token: str
    """Its id, also of that which a browser signed in with; empty: it did by an issuer."""
    role: Role
    """The person's own, or that of the token where that is less."""
    signed_in_at: Micros | None = None
    """Of a browser; None: a token is shown."""


def check_name(name: str) -> str:
    """The name of a person. Raises UserErrorException."""
    if not _NAME.fullmatch(name):
        raise UserErrorException(
            f"{name[:80]!a} cannot be a person's name. Use 1 to 64 letters, digits and . _ @ + -, such as a login or "
            "an address: the first one a letter or digit."
        )
    return name


def role_of(name: str) -> Role:
    """Raises UserErrorException for what is no role."""
    try:
        return Role(name)
    except ValueError:
        raise UserErrorException(f"There is no role {name[:80]!a}. Use {', '.join(Role)}.") from None


def lesser(one: Role, other: Role) -> Role:
    return one if one.right <= other.right else other


def new_token(fingerprint: str) -> str:
    """With what the certificate of the server is known by, so that whoever has the token needs no file of authorities.

    `fingerprint`: its SHA-256 in hexadecimal; empty where the certificate is one that systems trust.
    """
    return f"{_FORM}-{fingerprint or _PLAIN}-{secrets.token_hex(24)}"


def code_of(digest: str) -> str:
    """By which somebody tells that it is the program they started that asks to log in, by a token of this digest."""
    number = int.from_bytes(hashlib.pbkdf2_hmac("sha256", digest.encode(), b"code", _ROUNDS), "big")
    letters = []
    for _ in range(_CODE):
        number, place = divmod(number, len(_LETTERS))
        letters.append(_LETTERS[place])
    return f"{''.join(letters[: _CODE // 2])}-{''.join(letters[_CODE // 2 :])}"


def fingerprint_in(token: str) -> str:
    """Of the certificate that a token names; empty: none."""
    form, _, rest = token.partition("-")
    found = rest.partition("-")[0]
    return found if form == _FORM and found != _PLAIN else ""


def digest(token: str) -> str:
    """By which it is found. The fingerprint in it may be that of an earlier certificate."""
    return hashlib.sha256(token.rpartition("-")[2].encode("utf-8", "surrogateescape")).hexdigest()
