"""Secrets as a file has them: AES-256-GCM over JSON, with the name of the key, or as plain text, as once."""

from __future__ import annotations

import os
from collections.abc import Mapping

import msgspec

from faena.workspaces import secret_key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE_BYTES = 12
VERSION = 1
_PURPOSE = b"faena-secrets-1"
"""What the key vouches for beside the contents."""


class Envelope(msgspec.Struct, frozen=True):
    version: int
    key: str
    nonce: bytes
    sealed: bytes


class Unsealable(ValueError):
    """Not what was sealed with this key."""


def is_plain(data: bytes) -> bool:
    """Whether it is a file of before, which anyone can read who has it."""
    try:
        msgspec.json.decode(data, type=dict[str, str])
    except msgspec.DecodeError:
        return False
    return True


def plain(data: bytes) -> dict[str, str]:
    """Raises msgspec.DecodeError."""
    return msgspec.json.decode(data, type=dict[str, str])


def envelope(data: bytes) -> Envelope:
    """Raises msgspec.DecodeError."""
    return msgspec.json.decode(data, type=Envelope)


def sealed(secrets: Mapping[str, str], key: bytes) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    contents = _cipher(key).encrypt(nonce, msgspec.json.encode(secrets), _PURPOSE)
    return msgspec.json.encode(Envelope(VERSION, secret_key.name_of(key), nonce, contents))


def opened(found: Envelope, key: bytes) -> dict[str, str]:
    """Raises Unsealable."""
    from cryptography.exceptions import InvalidTag

    try:
        return plain(_cipher(key).decrypt(found.nonce, found.sealed, _PURPOSE))
    except (InvalidTag, ValueError, msgspec.DecodeError) as error:
        raise Unsealable from error


def _cipher(key: bytes) -> AESGCM:
    """Its module is loaded with the first secret: 50 ms."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(key)
