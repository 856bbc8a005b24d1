"""Opens the listener for nodes: a further one in the server's process, on an address that was asked for."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import socket
import time
from asyncio import sslproto
from contextlib import suppress

import msgspec
from litestar.types import ASGIApp
from msgspec import Struct

from faena.compute.leases import Leases
from faena.compute.machines.removed import RemovedMachines
from faena.compute.machines.schemas import ListenerRequest, ListenerView
from faena.compute.machines.tokens import AttemptTokens
from faena.db import Database
from faena.kernel.clock import Clock
from faena.kernel.durable import write_atomically
from faena.kernel.errors import Conflict, ServiceException, UserErrorException
from faena.server.listener.binding import bound
from faena.server.listener.bounds import for_nodes
from faena.server.listener.configuration import configured
from faena.server.listener.leaving import sent_on
from faena.server.listener.second import SecondServer
from faena.server.node_listener import certificate
from faena.server.node_listener.authentication import Guard
from faena.workspaces.model import WorkspaceFolder

_KEPT = "listener.json"
_BACKLOG = 256
_LARGEST = 1 << 16
_OPENING, _SOON = 5.0, 0.02
"""Seconds that a server which has just started may take to listen again, and between looks."""
_READ_AT_ONCE = 32 << 10
"""Bytes: asyncio has a buffer of 256 KiB for each encrypted connection, of which there are some for each node. A
smaller one stays in the processor's cache, too: large files come faster."""


class Kept(Struct, frozen=True):
    """What the next server needs to listen at the same address. A copy of the workspace listens nowhere."""

    workspace: str
    listener: ListenerRequest
    is_open: bool = True
    """Where it is shut, whoever opens it again without a port gets the same: machines that have joined know it."""


class NodeListener:
    """Shut until `open` is called, or `open_again` where an earlier server's was open. Belongs to one event loop."""

    def __init__(self, folder: WorkspaceFolder, database: Database, clock: Clock, leases: Leases) -> None:
        self._folder = folder
        self._clock = clock
        self._database = database
        self._leases = leases
        self._own = folder.nodes
        self._turn = asyncio.Lock()
        self._asked: ListenerRequest | None = None
        self._view: ListenerView | None = None
        self._may_open_again = True
        self._server: SecondServer | None = None
        self._serving: asyncio.Task[None] | None = None

    @property
    def is_open(self) -> bool:
        return self._view is not None

    @property
    def view(self) -> ListenerView:
        """Raises Conflict while it is shut."""
        if self._view is None:
            raise Conflict(
                "Nothing listens for nodes. Open an address first: `faena node open --address ADDRESS`, which other "
                "machines reach this one by."
            )
        return self._view

    async def opened(self) -> ListenerView:
        """The same, also for who asks while it is about to open again. Raises Conflict."""
        until = time.monotonic() + _OPENING
        while self._view is None and self._may_open_again and time.monotonic() < until:
            if not (self._own / _KEPT).exists():
                break
            await asyncio.sleep(_SOON)
        return self.view

    async def address(self) -> tuple[str, str]:
        """Where nodes reach the server, and the fingerprint of its certificate. Raises Conflict while it is shut."""
        view = await self.opened()
        return view.url, view.fingerprint

    async def open(self, app: ASGIApp, asked: ListenerRequest) -> ListenerView:
        """Listen, unless it does there already, also after the next start of a server.

        Without a port: where it did before, which machines know that have joined, or at a free one.
        Raises UserErrorException for what is no address, Conflict where it listens elsewhere or the port is taken.
        """
        _check(asked)
        async with self._turn:
            if self._view is not None and self._asked is not None:
                if (asked.address, asked.tls) != (self._asked.address, self._asked.tls) or asked.port not in (
                    0,
                    self._asked.port,
                ):
                    raise Conflict(f"Nodes are listened for at {self._view.url}. `faena node close` first.")
                return self._view
            await self._listen_where_it_was(app, asked)
            assert self._asked is not None
            await asyncio.to_thread(self._keep, self._asked)
            return self.view

    async def _listen_where_it_was(self, app: ASGIApp, asked: ListenerRequest) -> None:
        kept = await asyncio.to_thread(self._kept)
        if kept is not None and (asked.address, asked.port) == (kept.listener.address, 0):
            with suppress(Conflict):  # the port is somebody else's by now
                await self._listen(app, msgspec.structs.replace(asked, port=kept.listener.port))
                return
        await self._listen(app, asked)

    async def open_again(self, app: ASGIApp) -> None:
        """Listen where an earlier server did; silent where none was open to the last."""
        try:
            kept = await asyncio.to_thread(self._kept)
            async with self._turn:
                if kept is not None and kept.is_open and self._view is None:
                    await self._listen(app, kept.listener)
        except (OSError, Conflict, ServiceException) as error:
            logging.warning("nodes cannot reach the server again: %s", error)
        finally:
            self._may_open_again = False

    async def close(self) -> None:
        """Stop listening, also after the next start."""
        asked = self._asked
        await self.leave()
        self._leases.shut_ears()
        if asked is not None:
            await asyncio.to_thread(self._keep, asked, is_open=False)

    async def leave(self) -> None:
        """Stop listening; the next server does again."""
        async with self._turn:
            if self._server is None or self._serving is None:
                return
            self._server.should_exit = True
            await self._serving
            self._server = self._serving = self._view = self._asked = None

    async def _listen(self, app: ASGIApp, asked: ListenerRequest) -> None:
        host = _host(asked)
        made = None
        if asked.tls:
            made = await asyncio.to_thread(certificate.own, self._own, (host, *asked.names))
            await asyncio.to_thread(certificate.check_pair, made.certificate, made.key)
            sslproto.SSLProtocol.max_size = _READ_AT_ONCE
        fingerprint = made.fingerprint if made else ""
        attempts = AttemptTokens(self._own)
        removed = RemovedMachines(self._own)
        guard = Guard(app, self._database, attempts, fingerprint, self._clock, self._leases, removed)
        listener = _bind(asked)
        port = int(listener.getsockname()[1])
        config = configured(
            sent_on(guard),
            for_nodes(),
            backlog=_BACKLOG,
            keep_alive=120,
            certificate=made.certificate if made else None,
            key=made.key if made else None,
            prompt=guard.beat,
        )
        self._server = SecondServer(config)
        self._serving = asyncio.create_task(self._server.serve(sockets=[listener]))
        shown = f"[{host}]" if ":" in host else host
        self._asked = msgspec.structs.replace(asked, port=port)
        self._leases.open_ears()
        self._view = ListenerView(f"{'https' if made else 'http'}://{shown}:{port}", fingerprint)

    def _keep(self, asked: ListenerRequest, *, is_open: bool = True) -> None:
        kept = Kept(self._folder.id, asked, is_open)
        self._own.mkdir(mode=0o700, exist_ok=True)
        write_atomically(self._own / _KEPT, msgspec.json.encode(kept), mode=0o600)

    def _kept(self) -> Kept | None:
        with suppress(OSError, msgspec.MsgspecError):
            kept = msgspec.json.decode((self._own / _KEPT).read_bytes()[:_LARGEST], type=Kept)
            if kept.workspace == self._folder.id:  # also where it was moved; a copy has another id
                return kept
        return None


def _host(asked: ListenerRequest) -> str:
    """By which other machines reach it, as far as is known."""
    if asked.names:
        return asked.names[0]
    if ipaddress.ip_address(asked.address).is_unspecified:
        return socket.gethostname()
    return asked.address


def _check(asked: ListenerRequest) -> None:
    try:
        address = ipaddress.ip_address(asked.address)
    except ValueError as error:
        raise UserErrorException(
            f"{asked.address[:100]!a} is no address of this host. Use one such as 0.0.0.0 (all) or 10.0.0.5."
        ) from error
    if not 0 <= asked.port <= 65535:
        raise UserErrorException(f"port is {asked.port}. Use a number from 1 to 65535, or 0 for a free one.")
    if not asked.tls and not address.is_loopback:
        raise UserErrorException(
            f"Without TLS whoever is on the way to {asked.address} can read the tokens. Leave TLS on, or listen on "
            "127.0.0.1 and use a tunnel."
        )


def _bind(asked: ListenerRequest) -> socket.socket:
    try:
        return bound(asked.address, asked.port, _BACKLOG)
    except OSError as error:
        raise Conflict(
            f"{asked.address}, port {asked.port}, cannot be listened at: {error.strerror}. Give an address of this "
            "host and a port that is free, or 0 for any."
        ) from error
