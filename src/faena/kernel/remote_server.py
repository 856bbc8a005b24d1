"""A server at a URL. It is somebody's who runs it: it is never started from here."""

from __future__ import annotations

import errno
import hashlib
import ipaddress
import socket
import ssl
import threading
import time
from contextlib import closing
from email.utils import parsedate_to_datetime
from http.client import BadStatusLine, HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from faena.kernel.addresses import Url
from faena.kernel.connections import Connections
from faena.kernel.errors import FaenaError, ServerUnreachable, UserErrorException
from faena.kernel.tcp import end_when_silent

_CONNECTING = 4.0
"""Seconds in which a connection must open: whoever gave a wrong address hears of it within five."""
_TLS_ALERT = "\x15\x03"


class WrongCertificate(ssl.SSLError):
    """The server has another certificate than the one that is to be trusted."""


class RemoteServer:
    """Raises UserErrorException for a file of certificates that cannot be read."""

    advice = "Is its address right, and does it run?"

    def __init__(self, address: Url) -> None:
        self._address = address
        self.prefix = address.path
        self.headers = {"Authorization": f"Bearer {address.token}"}
        self.has_answered = False
        self._connections = _to(address)

    @property
    def title(self) -> str:
        return f"The server at {self._address.url}"

    def connections(self) -> Connections:
        return self._connections

    def locate(self, path: Path) -> Path:
        return path

    def answered(self) -> None:
        self.has_answered = True

    def leaving(self) -> None:
        pass

    def absent(self, *, start: bool | None) -> None:
        pass

    def unreachable(self, failure: Exception) -> FaenaError:
        why = _in_words(failure, self._address, has_answered=self.has_answered)
        return ServerUnreachable(f"{self.title} does not answer ({failure}). {why or self.advice}")

    def close(self) -> None:
        self._connections.close()


class _Connection(HTTPConnection):
    """The other host must answer within `seconds`, and all be done in four; encrypted where there is a `context`."""

    def __init__(self, address: Url, seconds: float, context: ssl.SSLContext | None) -> None:
        self._seconds = min(seconds, _CONNECTING)
        super().__init__(address.host, address.port, timeout=self._seconds)
        self._address = address
        self._tls = context

    def connect(self) -> None:
        until = time.monotonic() + _CONNECTING
        self.sock = _opened(self._address, self._seconds)
        end_when_silent(self.sock)
        if self._tls is None:
            return
        self.sock.settimeout(max(0.1, until - time.monotonic()))
        encrypted = self._tls.wrap_socket(self.sock, server_hostname=self._address.host)
        self.sock = encrypted
        if self._address.pinned:
            _check_pinned(encrypted, self._address)


def _opened(address: Url, seconds: float) -> socket.socket:
    """At the first of the host's addresses where somebody listens. Raises OSError."""
    until = time.monotonic() + seconds
    failure: OSError | None = None
    for family, kind, protocol, _, place in _places(address):
        opened = socket.socket(family, kind, protocol)
        try:
            opened.settimeout(max(0.05, until - time.monotonic()))
            opened.connect(place)
            return opened
        except OSError as error:
            opened.close()
            failure = failure or error
    raise failure or OSError("the host has no address")


def _places(address: Url) -> list[Any]:
    """What the host's name means. Raises OSError, also where nobody who knows names answers in time."""
    found: list[Any] = []
    failure: list[OSError] = []

    def look() -> None:
        try:
            found.extend(socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM))
        except OSError as error:
            failure.append(error)

    if _is_number(address.host):
        look()
    else:
        looking = threading.Thread(target=look, name="names", daemon=True)
        looking.start()
        looking.join(_CONNECTING)
    if found:
        return list(found)
    raise failure[0] if failure else socket.gaierror(socket.EAI_AGAIN, "nobody who knows names answers")


def _is_number(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def certificate_of(address: Url) -> str:
    """The server's own certificate as PEM, which has the fingerprint that `address` names.

    Raises ServerUnreachable, and WrongCertificate as part of it.
    """
    connection = _Connection(address, _CONNECTING, _context(address))
    try:
        connection.connect()
        encrypted = connection.sock
        assert isinstance(encrypted, ssl.SSLSocket)
        return ssl.DER_cert_to_PEM_cert(encrypted.getpeercert(binary_form=True) or b"")
    except OSError as error:
        raise RemoteServer(address).unreachable(error) from error
    finally:
        connection.close()


def greeted(url: str, ca: Path | None = None) -> tuple[str, float]:
    """Of a server whose token nobody has yet: the fingerprint of its certificate, and its time in seconds since 1970.

    The fingerprint is empty where the certificate is one that this system, or the file `ca`, vouches for. Raises
    ServerUnreachable, and UserErrorException for what is no such address.
    """
    address = Url(url, "none", ca)
    contexts: list[ssl.SSLContext | None] = [_context(address) if address.secure else None]
    if address.secure and ca is None:
        contexts.append(_context(Url(url, "none", fingerprint="0" * 64)))  # whatever it is, it is looked at
    for context in contexts:
        connection = _Connection(Url(url, "none", ca), _CONNECTING, context)
        try:
            connection.connect()
            found = ""
            if context is not None and context.verify_mode is ssl.CERT_NONE:
                encrypted = connection.sock
                assert isinstance(encrypted, ssl.SSLSocket)
                found = hashlib.sha256(encrypted.getpeercert(binary_form=True) or b"").hexdigest()
            connection.request("GET", f"{address.path}/health")
            with closing(connection.getresponse()) as answer:
                return found, parsedate_to_datetime(answer.headers.get("Date", "")).timestamp()
        except ssl.SSLCertVerificationError as error:
            if context is contexts[-1]:
                raise RemoteServer(address).unreachable(error) from error
        except (OSError, HTTPException) as error:
            raise RemoteServer(address).unreachable(error) from error
        except ValueError:
            raise UserErrorException(f"What answers at {url} is no server of Faena's.") from None
        finally:
            connection.close()
    raise AssertionError("the last one returns or raises")


def _check_pinned(connection: ssl.SSLSocket, address: Url) -> None:
    """Before anything is sent. Raises WrongCertificate."""
    found = hashlib.sha256(connection.getpeercert(binary_form=True) or b"").hexdigest()
    if not found.startswith(address.pinned):
        raise WrongCertificate(
            0,
            f"its certificate has the fingerprint {found}, and the one to be trusted has {address.pinned}",
        )


def _to(address: Url) -> Connections:
    context = _context(address) if address.secure else None
    return Connections(lambda seconds: _Connection(address, seconds, context))


def _context(address: Url) -> ssl.SSLContext:
    if address.pinned:  # nothing else of the certificate counts
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    try:
        return ssl.create_default_context(cafile=None if address.ca is None else str(address.ca))
    except (ssl.SSLError, OSError) as error:
        raise UserErrorException(
            f"The certificates in {str(address.ca)!r} cannot be read: {error}."
        ) from error


def _in_words(failure: Exception, address: Url, *, has_answered: bool = False) -> str:
    """What to do about it; empty where nothing is known but that it failed."""
    cause = failure.__cause__ or failure
    where = f"{address.host}, port {address.port}"
    if isinstance(cause, WrongCertificate):
        return (
            "Somebody else may answer in its place, or it has a new certificate: ask whoever runs it for a new token "
            "or fingerprint."
        )
    if isinstance(cause, socket.gaierror):
        if cause.errno == socket.EAI_AGAIN:
            return f"Nobody says where {address.host!r} is: does this machine reach its name server?"
        return f"No host is known here by the name {address.host!r}."
    if isinstance(cause, OSError) and cause.errno in (errno.EHOSTUNREACH, errno.ENETUNREACH):
        return f"There is no way from here to {address.host}. Is its address right, and is this machine in its network?"
    if has_answered and isinstance(cause, (ConnectionError, ssl.SSLEOFError)):
        return "It did before: ask whoever runs it whether it is being started anew."
    if isinstance(cause, ConnectionRefusedError):
        return f"Nothing listens at {where}. Is its address right, and does it run?"
    if isinstance(cause, TimeoutError):
        return f"Nothing came back from {where}. Is its address right, and does a firewall let it through?"
    if isinstance(cause, ssl.SSLCertVerificationError):
        of = f" The token is that of {address.origin}." if address.origin else ""
        return (
            "Nothing that this machine trusts vouches for its certificate, and the token names none, as one does that "
            "`faena token new` made: FAENAP-…. Give such a token whole, or the file of an authority (--ca, FAENA_CA)."
            f"{of}"
        )
    if isinstance(cause, ssl.SSLError) and cause.reason in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE"):
        return f"What listens at {where} speaks no TLS. If it is meant to, give an address that begins with http://."
    if isinstance(cause, ssl.SSLEOFError):
        return f"What listens at {where} broke off, as one does that speaks no TLS. Is its address right?"
    if not address.secure and _speaks_tls(cause):
        return (
            f"What listens at {where} may speak TLS only. If so, give an address that begins with https://."
        )
    return ""


def _speaks_tls(failure: BaseException) -> bool:
    """It answers a request without TLS by an alert, or ends the connection."""
    return isinstance(failure, ConnectionResetError) or (
        isinstance(failure, BadStatusLine) and str(failure).startswith(_TLS_ALERT)
    )
