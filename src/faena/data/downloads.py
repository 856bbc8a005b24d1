"""Files behind public addresses, fetched once on this host. Standard library only, for nodes too.

They are fetched by the process that needs them, a node or a client, with the rights of whoever submitted: the server
asks no address. What a file became on the way here stays, also when the address gives something else later.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from faena.data import safe_paths
from faena.kernel import digests, settings
from faena.kernel.durable import sync_folder
from faena.kernel.errors import UserErrorException

FETCHED_AT_MOST = 50 << 30
"""Bytes of one file."""
_LONGEST = 8000


def check_url(url: str) -> str:
    """The address. Raises UserErrorException unless it is http(s), names a file and holds no user or password."""
    shown = repr(url[:200])
    if len(url) > _LONGEST or any(ord(character) <= 0x20 or ord(character) == 0x7F for character in url):
        raise UserErrorException(f"{shown} is no web address: it is too long or holds blanks.")
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise UserErrorException(f"{shown} is no web address: {error}.") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UserErrorException(
            f"{shown} cannot be fetched. Use an address that starts with http:// or https://."
        )
    if parts.username is not None or parts.password is not None:
        raise UserErrorException(
            f"The address at {parts.hostname} holds a user name or password, which would be kept. "
            "Download the file yourself and upload it to a datastore."
        )
    name_of(url)
    return url


def name_of(url: str) -> str:
    """The file's place under its host, such as `data/train.gz`. Raises UserErrorException when there is none."""
    name = safe_paths.check(urlsplit(url).path.removeprefix("/"), "path of the address")
    if not name:
        raise UserErrorException(f"{url[:200]!r} names no file. Give the address of a file.")
    return name


def fetch(url: str, *, limit: int = FETCHED_AT_MOST, progress: Callable[[], None] | None = None) -> Path:
    """The file on this host, fetched when it is not here yet; nobody should write it.

    `limit`: bytes. `progress` is called between parts and may raise to stop. Raises UserErrorException that names the
    address and the status or the cause.
    """
    fetched, digest = settings.home() / "fetched", digests.of_bytes(check_url(url).encode())
    target = fetched / digest / name_of(url).rpartition("/")[2]
    if target.exists():
        return target
    from faena.data.http_download import (
        receive,  # urllib takes longer to load than all else that a handle needs
    )

    target.parent.mkdir(parents=True, exist_ok=True)
    with (fetched / f"{digest}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if target.exists():
            return target
        temporary = fetched / f"{digest}.part"  # whoever was killed while writing it held the lock
        try:
            with temporary.open("wb") as sink:
                receive(url, sink, limit, progress or (lambda: None))
                sink.flush()
                os.fchmod(sink.fileno(), 0o444)
                os.fsync(sink.fileno())
            temporary.rename(target)
        finally:
            temporary.unlink(missing_ok=True)
        sync_folder(target.parent)
    return target
