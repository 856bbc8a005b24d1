"""Files behind public addresses, fetched once on this host. Standard library only, for nodes too.

They are fetched by the process that needs them, a node or a client, with the rights of whoever submitted: the server
asks no address. What a file became on the way here stays, also when the address gives something else later.
"""

from __future__ import annotations

import fcntl
import ipaddress
import os
import socket
import urllib.error
import urllib.request
from collections.abc import Callable
from email.message import Message
from http.client import HTTPException
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from faena.data import safe_paths
from faena.kernel import digests, settings
from faena.kernel.durable import sync_folder
from faena.kernel.errors import UserErrorException

FETCHED_AT_MOST = 50 << 30
"""Bytes of one file."""
_SILENCE = 60.0
"""Seconds without a byte after which a fetch has failed."""
_CHUNK = 1 << 20
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
    target.parent.mkdir(parents=True, exist_ok=True)
    with (fetched / f"{digest}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if target.exists():
            return target
        temporary = fetched / f"{digest}.part"  # whoever was killed while writing it held the lock
        try:
            with temporary.open("wb") as sink:
                _receive(url, sink, limit, progress or (lambda: None))
                sink.flush()
                os.fchmod(sink.fileno(), 0o444)
                os.fsync(sink.fileno())
            temporary.rename(target)
        finally:
            temporary.unlink(missing_ok=True)
        sync_folder(target.parent)
    return target


def _receive(url: str, sink: IO[bytes], limit: int, progress: Callable[[], None]) -> None:
    too_large = UserErrorException(f"{url} gives more than {limit:,} bytes. Download it yourself.")
    try:
        opener = urllib.request.build_opener(_CarefulRedirects(url))
        request = urllib.request.Request(url, headers={"User-Agent": "faena"})
        with opener.open(request, timeout=_SILENCE) as answer:
            expected = answer.length
            if expected is not None and expected > limit:
                raise too_large
            size = 0
            while part := answer.read(_CHUNK):
                size += sink.write(part)
                if size > limit:
                    raise too_large
                progress()
            if expected is not None and size < expected:
                raise UserErrorException(f"{url} broke off after {size:,} of {expected:,} bytes. Try again.")
    except urllib.error.HTTPError as error:
        with error:
            raise UserErrorException(
                f"{url} cannot be fetched: it answered {error.code} {error.reason}."
            ) from None
    except (urllib.error.URLError, HTTPException, TimeoutError, ConnectionError) as error:
        reason = getattr(error, "reason", None) or error
        raise UserErrorException(
            f"{url} cannot be fetched: {reason}. Check the address and the network."
        ) from None


class _CarefulRedirects(urllib.request.HTTPRedirectHandler):
    """A public address must not lead this host to ask its own or its network's services, nor away from TLS."""

    def __init__(self, url: str) -> None:
        self._url = url

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: Message,
        newurl: str,
    ) -> urllib.request.Request | None:
        parts = urlsplit(newurl)
        secure = parts.scheme == "https" or urlsplit(self._url).scheme == "http"
        if not secure or parts.scheme not in ("http", "https"):
            raise UserErrorException(f"{self._url} leads to {newurl[:200]!r}, which is not https.")
        if _is_public(urlsplit(self._url).hostname) and not _is_public(parts.hostname):
            raise UserErrorException(
                f"{self._url} leads to {newurl[:200]!r}, an address of this host or its network."
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)  # type: ignore[arg-type]  # headers are an HTTPMessage, a Message as urllib calls it


def _is_public(host: str | None) -> bool:
    """Whether all addresses of the name are of the public Internet; a name that is not known here counts as public."""
    try:
        found = socket.getaddrinfo(host, None)
    except (OSError, UnicodeError):
        return True
    return all(ipaddress.ip_address(str(entry[4][0]).partition("%")[0]).is_global for entry in found)
