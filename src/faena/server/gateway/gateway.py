"""Opens the gateway: a second listener in the server's process, on loopback, in front of the same application."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress

from litestar.types import ASGIApp

from faena.kernel.clock import Clock
from faena.kernel.discovery import Rendezvous
from faena.kernel.errors import Conflict, UserErrorException, WorkspaceException
from faena.mlflow.run_tokens import RunOfToken, RunTokens
from faena.people.model import Role
from faena.server.gateway import peers
from faena.server.gateway.authentication import Guard, sign_in_address
from faena.server.gateway.keys import CODE_SECONDS, LINK_SECONDS, Keys, read_token
from faena.server.gateway.sessions import Kept, KeptSessions, Session
from faena.server.gateway.sign_in_page import HandedPages
from faena.server.listener.bounds import GATEWAY
from faena.server.listener.configuration import configured
from faena.server.listener.second import SecondServer
from faena.workspaces.model import WorkspaceFolder
from faena.workspaces.schemas import GatewayRequest, GatewayView

_LOOPBACK = "127.0.0.1"
_FIRST, _PORTS = 20_000, 10_000
"""Below those that systems give to outgoing connections."""
_BACKLOG = 64
"""Connections that are taken at once, before it is the others' turn."""


class Gateway:
    """Shut until `open` is called, or `open_again` where an earlier server was open. Belongs to one event loop."""

    def __init__(self, folder: WorkspaceFolder, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock
        self._kept = KeptSessions(folder.path, folder.id)
        self._pages = HandedPages(Rendezvous(folder.path))
        self._keys: Keys | None = None
        self._port = 0
        self._to_programs = False
        self._to_runs_alone = False
        self._server: SecondServer | None = None
        self._serving: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()
        self._keeping = asyncio.Lock()

    def sweep(self) -> None:
        """Remove the sign-in pages of a server that was killed; their codes ended with it."""
        self._pages.clear()

    @property
    def has_links(self) -> bool:
        """Whether somebody was given an address to click later."""
        return self._keys is not None and self._keys.has_links()

    @property
    def is_open_to_programs(self) -> bool:
        """Whether programs were given its address, such as MLflow's clients: they cannot start a server."""
        return self._keys is not None and self._to_programs

    async def open(self, app: ASGIApp, asked: GatewayRequest) -> GatewayView:
        """Listen, unless it does already, and give out an address that signs browsers in.

        Without a port: the workspace's own, which is the same each time, or a free one where that is taken.
        Raises Conflict when the port is taken, or the gateway is open at another one.
        """
        port = asked.port
        if port is not None and not 1 <= port <= 65535:
            raise UserErrorException(f"port is {port}. Use a number from 1 to 65535, or none.")
        async with self._turn:
            if self._keys is None:
                await self._listen_anew(app, port)
                await self._keep()
            elif port not in (None, self._port):
                raise Conflict(
                    f"The page is open at port {self._port} already. Use it, or `faena ui --close` first."
                )
            assert self._keys is not None
            base = self._address
            if self._to_runs_alone:
                self._to_runs_alone = False
                await self._keep()
            if asked.programs:
                self._to_programs = True
                await self._keep()
                return GatewayView(base, 0.0, token=await asyncio.to_thread(self._token))
            if asked.link and peers.can_tell():
                address = sign_in_address(base, link=self._keys.new_link(), to=asked.to)
                return GatewayView(address, LINK_SECONDS)
            page = self._pages.new() if asked.page else None
            code = self._keys.new_code(when_used=page.remove if page else None)
            address = sign_in_address(base, code=code, to=asked.to)
            if page is None:
                return GatewayView(address, CODE_SECONDS)
            await asyncio.to_thread(page.write, address)
            asyncio.get_running_loop().call_later(CODE_SECONDS, page.remove)
            return GatewayView(address, CODE_SECONDS, str(page.path))

    async def open_to_run(self, app: ASGIApp, run: RunOfToken) -> tuple[str, str]:
        """Listen, unless it does already: the address and the token by which the script of a run is answered.

        The next server listens there, too, as long as runs go on; the server does not stay for it.
        """
        async with self._turn:
            if self._keys is None:
                kept = await self._listen_anew(app, None)
                self._to_runs_alone = kept is None or kept.to_runs_alone
                await self._keep()
            assert self._keys is not None
            return self._address, self._keys.runs.of(run)

    async def token_of(self, run: RunOfToken) -> str:
        """The same token, for the script of a run on another machine: its node speaks for it, nothing listens here."""
        return RunTokens(await asyncio.to_thread(self._token)).of(run)

    async def open_again(self, app: ASGIApp, do_runs_go_on: Callable[[], Awaitable[bool]]) -> None:
        """Listen where an earlier server did, for those whom it knew; silent where none was open to the last.

        `do_runs_go_on`: asked where it was open to their scripts alone.
        """
        kept = await asyncio.to_thread(self._kept.read, self._clock.now())
        if kept is not None and kept.to_runs_alone and not await do_runs_go_on():
            return
        async with self._turn:
            if kept is None or self._keys is not None:
                return
            try:
                await self._listen(app, _bind(kept.port), kept)
            except (OSError, WorkspaceException) as error:
                logging.warning("the page is not open again at port %d: %s", kept.port, error)

    async def close(self) -> None:
        """Stop listening, also after the next start; every browser is signed out."""
        await self.leave()
        self._to_programs = self._to_runs_alone = False
        await asyncio.to_thread(self._kept.remove)

    async def leave(self) -> None:
        """Stop listening; the next server does again."""
        async with self._turn:
            if self._server is None or self._serving is None:
                return
            self._server.should_exit = True
            await self._serving
            self._keys = self._server = self._serving = None
            await asyncio.to_thread(self._pages.clear)

    async def _keep(self) -> None:
        """One after the other, so that what was written last is what is so."""
        async with self._keeping:
            if self._keys is not None:
                await asyncio.to_thread(self._keep_now, self._keys.sessions)

    def _keep_now(self, sessions: dict[str, Session]) -> None:
        self._kept.write(
            self._port, sessions, to_programs=self._to_programs, to_runs_alone=self._to_runs_alone
        )

    @property
    def _address(self) -> str:
        return f"http://{_LOOPBACK}:{self._port}"

    def _token(self) -> str:
        return read_token(self._folder.path / "token")

    async def _listen_anew(self, app: ASGIApp, port: int | None) -> Kept | None:
        """For those whom an earlier server knew, too."""
        kept = await asyncio.to_thread(self._kept.read, self._clock.now())
        await self._listen(app, _bound(self._folder.id, port, kept), kept)
        return kept

    async def _listen(self, app: ASGIApp, listener: socket.socket, kept: Kept | None) -> None:
        try:
            token = await asyncio.to_thread(self._token)
            await asyncio.to_thread(self._pages.clear)
        except BaseException:
            listener.close()
            raise
        self._port = int(listener.getsockname()[1])
        self._to_programs = kept is not None and kept.to_programs
        self._to_runs_alone = kept is not None and kept.to_runs_alone
        self._keys = Keys(self._clock, token, kept.sessions if kept else {})
        # its cookie has a name of its own: browsers keep those of all ports of a host together
        role = Role.READER if self._folder.read_only_mark.exists() else Role.OWNER
        guard = Guard(app, self._keys, self._port, f"faena_{_number(self._folder.id):08x}", self._keep, role)
        config = configured(guard, GATEWAY, backlog=_BACKLOG, keep_alive=60)
        self._server = SecondServer(config)
        self._serving = asyncio.create_task(self._server.serve(sockets=[listener]))  # who connects now waits


def _bound(workspace: str, port: int | None, kept: Kept | None) -> socket.socket:
    if port is not None:
        try:
            return _bind(port)
        except OSError as error:
            raise Conflict(
                f"Port {port} cannot be used: {error.strerror}. Give another --port, or none for a free one."
            ) from error
    with suppress(OSError):
        if kept is not None:
            return _bind(kept.port)
    try:
        return _bind(_FIRST + _number(workspace) % _PORTS)
    except OSError:
        return _bind(0)


def _bind(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((_LOOPBACK, port))
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    listener.setblocking(False)
    return listener


def _number(workspace: str) -> int:
    return int.from_bytes(hashlib.sha256(workspace.encode()).digest()[:4])
