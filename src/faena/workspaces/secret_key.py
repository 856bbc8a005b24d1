"""The key that a user's secrets are encrypted with: a file in the state folder, apart from every workspace.

So whoever has a copy of a workspace has no secret of it.
"""

from __future__ import annotations

import contextlib
import os
from hashlib import blake2b
from pathlib import Path

from faena.kernel import settings
from faena.kernel.durable import write_once
from faena.kernel.errors import ServiceException

NAME = "secrets.key"
_BYTES = 32


def place() -> Path:
    """Where it is, or will be made."""
    return settings.home_path() / NAME


def made() -> bytes:
    """The user's key; of several processes that make the first one, all get the same. Raises ServiceException."""
    with contextlib.suppress(FileExistsError):
        if not (path := settings.home() / NAME).exists():
            write_once(path, os.urandom(_BYTES), mode=0o600)
    found = read()
    assert found is not None
    return found


def read() -> bytes | None:
    """None where there is none. Raises ServiceException where what is there is no key, or cannot be read."""
    try:
        found = place().read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ServiceException(
            f"{place()}, the key of the secrets, cannot be read: {error.strerror}."
        ) from None
    if len(found) != _BYTES:
        raise ServiceException(
            f"{place()} is damaged: the key of the secrets has {_BYTES} bytes, this has {len(found)}. Bring it back "
            "from a backup of that folder; without it the secrets cannot be read."
        )
    return found


def name_of(key: bytes) -> str:
    """Says which key it is, and nothing of it."""
    return blake2b(key, digest_size=8, person=b"faena-key-name").hexdigest()
