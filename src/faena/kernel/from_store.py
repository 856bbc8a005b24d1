"""Large objects straight from the store that has them, by addresses that the server gives, good for a short while.

Whatever does not work that way comes from the server: a store may be out of a client's reach, be of no known
certificate, or give other bytes than the digest's.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable
from functools import lru_cache
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from faena.kernel.addresses import Url
from faena.kernel.connections import Broken, Connections, NotConnected
from faena.kernel.errors import NotFound
from faena.kernel.partial_file import PartialFile

if TYPE_CHECKING:
    from faena.kernel.transport import Transport

_CONNECTING, _SILENT_S = 5.0, 60.0
_REST_S = 600.0
"""Seconds for which a server that gives no addresses, or a store that cannot be reached, is not asked again."""
_MOST_IN_VAIN = 2
_OK, _PARTIAL, _REFUSED = 200, 206, 403
_THIS_HOST = ("127.0.0.1", "::1", "localhost")
_resting: dict[str, float] = {}
"""Until when, by the clock of this process."""


def fetch(
    transport: Transport, digest: str, target: Path, progress: Callable[[], None] = lambda: None
) -> bool:
    """Whether the object is in its file, whole and with its digest; else nothing is there that was not before.

    Raises UserErrorException for a file that cannot be written, and what `progress` raises.
    """
    if not isinstance(transport.address, Url) or _rests(transport.address.url):
        return False
    with PartialFile(target, expected=digest) as file:
        in_vain, address = 0, ""
        while in_vain <= _MOST_IN_VAIN:
            before = file.size
            address = address or _address(transport, digest)
            where = urlsplit(address)
            if not address or _rests(where.netloc) or _is_of_its_host(where.hostname, transport.address):
                return False
            status = _take(file, address, progress)
            if status in (_OK, _PARTIAL):
                if file.is_sound:
                    file.keep()
                    return True
                return False
            if status != 0:  # it broke off for any other
                if status != _REFUSED or not before:
                    _rest(where.netloc)
                    return False
                address = ""  # it was good for some of it
            in_vain = 0 if file.goes_on and file.size > before else in_vain + 1
    return False


def _address(transport: Transport, digest: str) -> str:
    """Empty where there is none for this object."""
    assert isinstance(transport.address, Url)
    try:
        told: dict[str, Any] | None = transport.json("GET", f"/objects/{digest}/address")
    except NotFound:  # also of a server that does not know the question
        return ""
    if told is None:
        _rest(transport.address.url)
        return ""
    return str(told["url"])


def _is_of_its_host(store: str | None, server: Url) -> bool:
    """Whether what the server reaches on its own host would be something else on this one."""
    return store in _THIS_HOST and server.host not in _THIS_HOST


def _take(file: PartialFile, address: str, progress: Callable[[], None]) -> int:
    """The answer's status; 0 where it broke off, -1 where there is no way there."""
    where = urlsplit(address)
    try:
        answer = _connections(where.scheme, where.netloc).ask(
            "GET",
            f"{where.path}?{where.query}",
            None,
            file.headers,
            connecting=_CONNECTING,
            answering=_SILENT_S,
            preload=False,
        )
    except (NotConnected, ssl.SSLError, OSError):
        return -1
    except Broken:
        return 0
    try:
        if answer.status in (_OK, _PARTIAL):
            file.take(answer, progress)
        return answer.status
    except Broken:
        return 0
    finally:
        answer.close()


@lru_cache(maxsize=8)
def _connections(scheme: str, netloc: str) -> Connections:
    where = urlsplit(f"{scheme}://{netloc}")
    host = where.hostname or ""
    if scheme == "https":
        context = ssl.create_default_context()
        return Connections(
            lambda seconds: HTTPSConnection(host, where.port, timeout=seconds, context=context)
        )
    return Connections(lambda seconds: HTTPConnection(host, where.port, timeout=seconds))


def _rests(name: str) -> bool:
    return time.monotonic() < _resting.get(name, 0.0)


def _rest(name: str) -> None:
    _resting[name] = time.monotonic() + _REST_S
