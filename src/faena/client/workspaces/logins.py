"""The servers that this user has logged in at, with the tokens: in one file that nobody else may read."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path

import msgspec
from msgspec import Struct, field

from faena.kernel import settings
from faena.kernel.addresses import Url
from faena.kernel.durable import write_atomically
from faena.kernel.errors import UserErrorException
from faena.kernel.hidden import hiding
from faena.people.model import fingerprint_in

_LARGEST = 1 << 20
_LONGEST_TOKEN = 1 << 14


class Login(Struct, frozen=True):
    token: str
    ca: str = ""
    """A file of certificates to trust in place of the system's; empty: none."""
    workspace: str = ""
    """What it was called when its user logged in; empty: not known."""

    __repr__ = hiding("token")


class Logins(Struct, frozen=True):
    servers: dict[str, Login] = field(default_factory=dict)
    """By URL."""
    current: str = ""
    """Whose workspace is meant where none is around or named; empty: none's."""


def address(url: str, token: str, ca: str = "", origin: str = "") -> Url:
    """Trusts the certificate that the token names, unless there is a file of them. Raises UserErrorException.

    `origin`: where the token comes from, for messages.
    """
    pinned = "" if ca or not url.startswith("https:") else fingerprint_in(token)
    return Url(url, token, Path(ca).expanduser() if ca else None, pinned, origin)


def of_environment() -> str:
    """The token that FAENA_TOKEN_FILE names a file of, or FAENA_TOKEN holds; empty: neither. It counts before a login.

    Raises UserErrorException for a file that cannot be read.
    """
    if not (file := os.environ.get("FAENA_TOKEN_FILE")):
        return os.environ.get("FAENA_TOKEN", "").strip()
    try:
        with Path(file).expanduser().open("rb") as opened_file:
            read = opened_file.read(_LONGEST_TOKEN + 1)
        if len(read) > _LONGEST_TOKEN:
            raise UserErrorException(
                f"FAENA_TOKEN_FILE={file} has more than {_LONGEST_TOKEN:,} bytes: that is no token."
            )
        return read.decode().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UserErrorException(f"FAENA_TOKEN_FILE={file} cannot be read: {error}.") from error


def origin(url: str) -> str:
    """Where the token comes from by which the server at `url` is asked where none is given, and what to do about it."""
    if os.environ.get("FAENA_TOKEN_FILE"):
        return "the file that FAENA_TOKEN_FILE names: unset it to use the one of `faena login`"
    if os.environ.get("FAENA_TOKEN", "").strip():
        return "FAENA_TOKEN: unset it to use the one of `faena login`"
    return f"your login: faena login {url[:200]}"


def read() -> Logins:
    """Raises UserErrorException where others may read the file, or it is damaged."""
    path = _path()
    try:
        mode, data = path.stat().st_mode, path.read_bytes()[: _LARGEST + 1]
    except FileNotFoundError:
        return Logins()
    except OSError as error:
        raise UserErrorException(
            f"{path}, which has your tokens, cannot be read: {error.strerror}."
        ) from error
    if mode & 0o077:
        raise UserErrorException(
            f"{path} has your tokens, and others may read it. Revoke them, remove the file, and log in again."
        )
    with suppress(msgspec.MsgspecError):
        return msgspec.json.decode(data, type=Logins)
    raise UserErrorException(f"{path}, which has your tokens, is damaged. Remove it, and log in again.")


def remember(url: str, login: Login) -> None:
    known = read()
    _write(Logins({**known.servers, _key(url): login}, _key(url)))


def forget(url: str) -> bool:
    """Whether it was known."""
    known = read()
    servers = {each: login for each, login in known.servers.items() if each != _key(url)}
    if len(servers) == len(known.servers):
        return False
    _write(Logins(servers, "" if known.current == _key(url) else known.current))
    return True


def find(url: str) -> Login | None:
    return read().servers.get(_key(url))


def named(workspace: str) -> str:
    """The URL of the server whose workspace has that name, the current one before others; empty: none is known."""
    known = read()
    found = [url for url, login in known.servers.items() if workspace and login.workspace == workspace]
    return known.current if known.current in found else next(iter(found), "")


def _key(url: str) -> str:
    return url.rstrip("/")


def _path() -> Path:
    return settings.home() / "logins.json"


def _write(logins: Logins) -> None:
    text = json.dumps(msgspec.to_builtins(logins), indent=2)
    write_atomically(_path(), f"{text}\n".encode(), mode=0o600)
