"""A server at a URL. It is somebody's who runs it: it is never started from here."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import urllib3
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from faena.kernel.addresses import Url
from faena.kernel.errors import FaenaError, ServerUnreachable, UserErrorException


class RemoteServer:
    """Raises UserErrorException for a file of certificates that cannot be read."""

    advice = "Is its address right, and does it run?"

    def __init__(self, address: Url) -> None:
        self._address = address
        self.prefix = address.path
        self.headers = {"Authorization": f"Bearer {address.token}"}
        self._pool = _pool(address)

    @property
    def title(self) -> str:
        return f"The server at {self._address.url}"

    def pool(self) -> HTTPConnectionPool:
        return self._pool

    def locate(self, path: Path) -> Path:
        return path

    def answered(self) -> None:
        pass

    def leaving(self) -> None:
        pass

    def absent(self, *, start: bool | None) -> None:
        pass

    def unreachable(self, failure: Exception) -> FaenaError:
        return ServerUnreachable(f"{self.title} does not answer ({_reason(failure)}). {self.advice}")

    def close(self) -> None:
        self._pool.close()


def _pool(address: Url) -> HTTPConnectionPool:
    options: dict[str, Any] = {"maxsize": 8}
    if not address.secure:
        return HTTPConnectionPool(address.host, address.port, **options)
    try:
        context = ssl.create_default_context(cafile=None if address.ca is None else str(address.ca))
    except (ssl.SSLError, OSError) as error:
        raise UserErrorException(
            f"The certificates in {str(address.ca)!r} cannot be read: {error}."
        ) from error
    return HTTPSConnectionPool(address.host, address.port, ssl_context=context, **options)


def _reason(failure: Exception) -> str:
    """urllib3 puts its own objects before the reason."""
    if isinstance(failure, urllib3.exceptions.HTTPError):
        return str(failure.__cause__ or failure)
    return str(failure)
