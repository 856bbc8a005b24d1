"""Where clients connect: one listening socket and all connections that came by it."""

from __future__ import annotations

import asyncio
import os
import socket as sockets
import ssl
from contextlib import suppress

from faena.kernel.errors import WebserviceException
from faena.scoring.desired import Tls
from faena.scoring.http import refusals
from faena.scoring.http.application import Application
from faena.scoring.http.bounds import Bounds
from faena.scoring.http.connection import Connection
from faena.scoring.http.shared import Shared

_BACKLOG = 1024
_LOOK_SECONDS = 1.0
_HANDSHAKE_SECONDS = 10.0
_GOODBYE_SECONDS = 2.0
"""For a client to say goodbye, too, as TLS has it; many never do."""


class Listener:
    """Belongs to one event loop."""

    def __init__(self, application: Application, bounds: Bounds) -> None:
        self._loop = asyncio.get_running_loop()
        self._bounds = bounds
        self.shared = Shared(application, bounds, self._loop.time)
        self._connections: dict[Connection, None] = {}
        self._looking: asyncio.TimerHandle | None = None
        self._server: asyncio.Server | None = None

    @property
    def connections(self) -> list[Connection]:
        """The oldest first."""
        return list(self._connections)

    async def listen(self, socket: sockets.socket, tls: ssl.SSLContext | None = None) -> None:
        self._server = await self._loop.create_server(
            lambda: Connection(self.shared, self._opened, self._closed),
            sock=socket,
            ssl=tls,
            ssl_handshake_timeout=_HANDSHAKE_SECONDS if tls else None,
            ssl_shutdown_timeout=_GOODBYE_SECONDS if tls else None,
            backlog=_BACKLOG,
        )

    async def adopt(self, socket: sockets.socket) -> None:
        """A connection that another process has had, between two of its requests."""
        await self._loop.connect_accepted_socket(
            lambda: Connection(self.shared, self._opened, self._closed), socket
        )

    def rebound(self, bounds: Bounds) -> None:
        """For the connections that come from now on, and the requests that begin."""
        self._bounds = self.shared.bounds = bounds
        for connection in self._connections:
            connection.bounds = bounds

    def stop_listening(self) -> None:
        """The socket is closed here; where another process has it, too, nobody who connects is refused."""
        if self._server is not None:
            for socket in self._server.sockets:
                self._loop.remove_reader(socket.fileno())
            # What asyncio has accepted gets its transport in the loop's next turn, and none once its server is closed:
            # that client would hear nothing for ever.
            self._loop.call_soon(self._loop.call_soon, self._server.close)
            self._server = None

    async def drain(self, seconds: float) -> None:
        """Answer what has been asked, and return when all connections are closed, or after so long."""
        self.stop_listening()
        ends = self._loop.time() + seconds
        for connection in self.connections:
            connection.close_soon()
        while self._connections and self._loop.time() < ends:
            await asyncio.sleep(0.02)
        for connection in self.connections:
            connection.abort()

    def _opened(self, connection: Connection) -> None:
        self._connections[connection] = None
        if self._looking is None:
            self._look_later()
        if len(self._connections) > self._bounds.connections:
            if (idle := next((each for each in self._connections if each.idle), None)) not in (
                None,
                connection,
            ):
                assert idle is not None
                idle.abort()
            else:
                connection.refuse_at_once(refusals.too_many_connections(self._bounds.connections))

    def _closed(self, connection: Connection) -> None:
        self._connections.pop(connection, None)

    def _look_later(self) -> None:
        bounds = self._bounds
        least = min(
            bounds.head_seconds, bounds.body_seconds, bounds.keep_alive_seconds, bounds.linger_seconds
        )
        self._looking = self._loop.call_later(min(_LOOK_SECONDS, least / 4), self._look)

    def _look(self) -> None:
        self._looking = None
        now = self._loop.time()
        for connection in self.connections:
            connection.look(now)
        if self._connections:
            self._look_later()


def bind(host: str, port: int) -> sockets.socket:
    """A socket at an address, which listens once it is given to a listener. Raises OSError.

    Its protocol is named: asyncio lets small answers go at once only on sockets that say they are TCP.
    """
    try:
        found = sockets.getaddrinfo(
            host or None, port, type=sockets.SOCK_STREAM, proto=sockets.IPPROTO_TCP, flags=sockets.AI_PASSIVE
        )
    except (sockets.gaierror, UnicodeError) as error:
        raise OSError(
            f"The host {host[:200]!r} is no address of this machine: {error}. Deploy with another"
        ) from error
    family, _, _, _, address = found[0]
    made = sockets.socket(family, sockets.SOCK_STREAM, sockets.IPPROTO_TCP)
    try:
        made.setsockopt(sockets.SOL_SOCKET, sockets.SO_REUSEADDR, 1)
        made.setblocking(False)
        made.bind(address)
    except OSError as error:
        made.close()
        raise OSError(
            error.errno,
            f"Port {port} of {host or 'all addresses'} cannot be had: {os.strerror(error.errno or 0)}. Deploy with "
            "another port, or end who has it",
        ) from error
    except BaseException:
        made.close()
        raise
    return made


def adopted(descriptor: int) -> sockets.socket:
    """The listening socket that another process has handed over."""
    with sockets.socket(fileno=descriptor) as found:
        family = found.family
        made = sockets.socket(family, sockets.SOCK_STREAM, sockets.IPPROTO_TCP, fileno=found.detach())
    made.setblocking(False)
    return made


def context(tls: Tls | None) -> ssl.SSLContext | None:
    """Raises WebserviceException, which names the file that cannot be used."""
    if tls is None:
        return None
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    with suppress(NotImplementedError):
        made.set_alpn_protocols(["http/1.1"])
    try:
        made.load_cert_chain(tls.certificate, tls.key, password="")
    except (OSError, ssl.SSLError, ValueError) as error:
        raise WebserviceException(
            f"The certificate {tls.certificate} with the key {tls.key} cannot be used: {error}. Both are PEM files, "
            "the key without a password."
        ) from error
    return made
