"""Sends a notice to an address that somebody gave: one request, to where the name leads now and to nowhere else."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import socket
import ssl
from collections.abc import Callable
from urllib.parse import urlsplit

from faena.kernel.bounded_requests import exchange
from faena.notices.failures import NotBrought

_SILENT = 10.0
"""Seconds for which the other side may say nothing."""
_WHOLE = 30.0
"""Seconds of a request with its answer, however it trickles."""

Allows = Callable[[str], bool]
"""Whether an address (`192.0.2.1`) may be reached."""


def send(url: str, key: str, notice_id: str, body: bytes, allows: Allows) -> None:
    """Raises NotBrought. Redirections are not followed: what is signed for one is for nobody else."""
    parts = urlsplit(url)
    host = str(parts.hostname)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    address = _allowed(host, port, allows)
    connection = _ByTls(host, port, address) if parts.scheme == "https" else _Plain(host, port, address)
    path = parts.path or "/"
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "faena",
        "X-Faena-Notice": notice_id,
        "X-Faena-Signature": f"sha256={hmac.new(key.encode(), body, hashlib.sha256).hexdigest()}",
    }
    target = f"{path}?{parts.query}" if parts.query else path
    try:
        status = exchange(connection, "POST", target, body, headers, seconds=_WHOLE).status
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise NotBrought(f"{host} did not answer: {str(error)[:200] or type(error).__name__}") from None
    if not 200 <= status < 300:
        raise NotBrought(f"{host} answered {status}")


def doubt(url: str, allows: Allows) -> str:
    """Why nothing can be sent there as it is now; empty where nothing speaks against it. Nothing is sent."""
    parts = urlsplit(url)
    try:
        _allowed(str(parts.hostname), parts.port or (443 if parts.scheme == "https" else 80), allows)
    except NotBrought as error:
        return str(error)
    return ""


def _allowed(host: str, port: int, allows: Allows) -> str:
    """Where the name leads: it is asked once, so that it cannot lead elsewhere between the look and the request."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise NotBrought(f"{host} was not found: {error}") from None
    addresses = [str(each[4][0]) for each in found]
    if strange := [each for each in addresses if not allows(each)]:
        where = host if host == strange[0] else f"{host} ({strange[0]})"
        raise NotBrought(
            f"{where} is in a network that notices of people do not go to. An owner may allow it: "
            "notice_networks in docs/server.md"
        )
    return addresses[0]


class _Plain(http.client.HTTPConnection):
    def __init__(self, host: str, port: int, address: str) -> None:
        super().__init__(host, port, timeout=_SILENT)
        self._address = address

    def connect(self) -> None:
        self.sock = socket.create_connection((self._address, self.port), self.timeout)


class _ByTls(http.client.HTTPSConnection):
    def __init__(self, host: str, port: int, address: str) -> None:
        self._of_host = ssl.create_default_context()
        super().__init__(host, port, timeout=_SILENT, context=self._of_host)
        self._address = address

    def connect(self) -> None:
        plain = socket.create_connection((self._address, self.port), self.timeout)
        self.sock = self._of_host.wrap_socket(plain, server_hostname=self.host)
