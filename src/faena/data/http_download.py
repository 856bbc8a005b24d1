"""Receives one file over HTTP, with care whom a redirect leads to."""

from __future__ import annotations

import ipaddress
import socket
import urllib.error
import urllib.request
from collections.abc import Callable
from email.message import Message
from http.client import HTTPException
from typing import IO
from urllib.parse import urlsplit

from faena.kernel.errors import UserErrorException

_SILENCE = 60.0
"""Seconds without a byte after which a fetch has failed."""
_CHUNK = 1 << 20


def receive(url: str, sink: IO[bytes], limit: int, progress: Callable[[], None]) -> None:
    """Write the file to `sink`. Raises UserErrorException that names the address and the status or the cause."""
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
