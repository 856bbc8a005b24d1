"""A server at a URL. It is somebody's who runs it: it is never started from here."""

from __future__ import annotations

import ssl
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path

from faena.kernel.addresses import Url
from faena.kernel.connections import Connections
from faena.kernel.errors import FaenaError, ServerUnreachable, UserErrorException


class RemoteServer:
    """Raises UserErrorException for a file of certificates that cannot be read."""

    advice = "Is its address right, and does it run?"

    def __init__(self, address: Url) -> None:
        self._address = address
        self.prefix = address.path
        self.headers = {"Authorization": f"Bearer {address.token}"}
        self._connections = _to(address)

    @property
    def title(self) -> str:
        return f"The server at {self._address.url}"

    def connections(self) -> Connections:
        return self._connections

    def locate(self, path: Path) -> Path:
        return path

    def answered(self) -> None:
        pass

    def leaving(self) -> None:
        pass

    def absent(self, *, start: bool | None) -> None:
        pass

    def unreachable(self, failure: Exception) -> FaenaError:
        return ServerUnreachable(f"{self.title} does not answer ({failure}). {self.advice}")

    def close(self) -> None:
        self._connections.close()


def _to(address: Url) -> Connections:
    if not address.secure:
        return Connections(lambda seconds: HTTPConnection(address.host, address.port, timeout=seconds))
    try:
        context = ssl.create_default_context(cafile=None if address.ca is None else str(address.ca))
    except (ssl.SSLError, OSError) as error:
        raise UserErrorException(
            f"The certificates in {str(address.ca)!r} cannot be read: {error}."
        ) from error
    return Connections(
        lambda seconds: HTTPSConnection(address.host, address.port, timeout=seconds, context=context)
    )
