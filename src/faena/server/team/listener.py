"""Opens the listener for people: a further one in the server's process, at the address of its settings."""

from __future__ import annotations

import asyncio
import getpass
import hashlib
import os
import secrets
import socket
from pathlib import Path
from typing import TYPE_CHECKING

from litestar.types import ASGIApp
from msgspec.structs import replace

from faena.db import Database, Write
from faena.db.leading import Place
from faena.kernel.clock import Clock
from faena.kernel.durable import write_atomically
from faena.kernel.notifications import Notifications
from faena.people import service, store
from faena.people.schemas import TokenIn
from faena.people.settings import Settings
from faena.server.listener.bounds import for_nodes
from faena.server.listener.configuration import configured
from faena.server.listener.leaving import OpenRequests, sent_on
from faena.server.listener.second import SecondServer
from faena.server.node_listener import certificate
from faena.server.operation.probes import with_probes
from faena.server.operation.watched import Watched
from faena.server.passing.requests import received
from faena.server.restart.handed_on import HandedOn
from faena.server.team import addresses
from faena.server.team.authentication import Guard
from faena.server.team.proxies import behind
from faena.server.team.sign_in import SignIn
from faena.workspaces import database_place
from faena.workspaces.model import WorkspaceFolder

if TYPE_CHECKING:
    from faena.server.team.issuer_sign_in import IssuerSignIn

_OWNER_TOKEN = "owner-token"
_FOLDER = "team"
_FIRST_DAYS = 365.0
_LINGER_S = 1.0


class TeamListener:
    """Shut unless the server was started with settings. Belongs to one event loop."""

    def __init__(
        self,
        folder: WorkspaceFolder,
        database: Database,
        notifications: Notifications,
        clock: Clock,
        settings: Settings | None,
        watched: Watched,
    ) -> None:
        self._folder = folder
        self._database = database
        self._notifications = notifications
        self._clock = clock
        self._settings = settings
        self._watched = watched
        self._server: SecondServer | None = None
        self._serving: asyncio.Task[None] | None = None
        self._listener: socket.socket | None = None
        self._is_given = False
        self._issuer: IssuerSignIn | None = None
        self.fingerprint = ""
        """Of the server's own certificate; empty where it has somebody's."""
        self.url = ""
        """Empty while it is shut."""
        self.place: Place | None = None
        """Where other processes of the same server reach it; None while it is shut."""

    @property
    def is_meant_to_be_open(self) -> bool:
        return self._settings is not None

    async def open(self, app: ASGIApp, left: HandedOn | None = None) -> None:
        """Raises WorkspaceException where the address cannot be listened at. Silent without settings.

        `left`: what an earlier server of this process has left.
        """
        if (settings := self._settings) is None:
            return
        host = addresses.host_of(settings)
        pair = settings.certificate, settings.key
        if settings.certificate is None:
            own = await asyncio.to_thread(
                certificate.own, self._folder.path / _FOLDER, (host, *settings.names)
            )
            pair = own.certificate, own.key
            self.fingerprint = own.fingerprint
        if pair[0] is not None:
            await asyncio.to_thread(certificate.check_pair, pair[0], pair[1])
        if (listener := addresses.given()) is not None:
            self._is_given = True
        elif left is not None and (listener := addresses.left_by(left, settings)) is not None:
            self._is_given = left.is_given
        else:
            listener = addresses.bind(settings)
        self._listener = listener
        # browsers keep the cookies of all ports of a host together
        cookie = f"faena_{hashlib.sha256(self._folder.id.encode()).hexdigest()[:8]}"
        if settings.openid is not None:
            from faena.server.team.issuer_sign_in import IssuerSignIn

            self._issuer = IssuerSignIn(settings.openid, self._database, self._clock)
            self._issuer.look()
        sign_in = SignIn(self._database, self._clock, self._folder.name, cookie, self._issuer)
        guard = Guard(app, self._database, self._notifications, self._clock, self._watched.requests, sign_in)
        probed = with_probes(guard, self._watched.readiness)
        key = secrets.token_hex(16)
        requests = OpenRequests()
        config = configured(
            behind(settings.trusted_proxies, received(sent_on(probed, requests), key)),
            for_nodes(),
            backlog=addresses.BACKLOG,
            keep_alive=120,
            certificate=pair[0],
            key=pair[1],
        )
        linger = _LINGER_S if self._is_given else 0.0
        self._server = SecondServer(config, linger=linger, requests=requests)
        self._serving = asyncio.create_task(self._server.serve(sockets=[listener]))
        shown = f"[{host}]" if ":" in host else host
        self.url = settings.url or f"https://{shown}:{listener.getsockname()[1]}"
        asked_at = await asyncio.to_thread(
            addresses.asked_at, settings, database_place.place(self._folder.path)
        )
        self.place = Place(asked_at, listener.getsockname()[1], certificate.fingerprint(pair[0]), key)
        await self._see_to_owner(settings)

    async def until_nothing_moves(self, seconds: float) -> None:
        """Wait until no large body comes or goes, for so long at most."""
        if self._server is not None:
            await self._server.until_nothing_moves(seconds)

    def hand_on(self, left: HandedOn) -> HandedOn:
        """`left`, with the socket, at which whoever connects waits for the next server. Before this one leaves."""
        if self._server is None or self._listener is None:
            return left
        self._server.linger = _LINGER_S
        return replace(left, people=os.dup(self._listener.fileno()), is_given=self._is_given)

    async def leave(self) -> None:
        if self._issuer is not None:
            await self._issuer.leave()
        if self._server is not None and self._serving is not None:
            self._server.should_exit = True
            await self._serving
            self._server = self._serving = None

    async def _see_to_owner(self, settings: Settings) -> None:
        """Where there is nobody, somebody is made an owner, whose token lies in a file that only we may read."""
        name = settings.owner or getpass.getuser()
        now = self._clock.now()

        def make(write: Write) -> None:
            if store.list_people(write):
                return
            service.put(write, name, "owner", now)
            asked = TokenIn("the first owner's", _FIRST_DAYS)
            made = service.new(write, name, asked, self.fingerprint, now)
            # before it counts: an owner whose token nobody has would keep everybody out
            write_atomically(owner_token(self._folder.path), f"{made.token}\n".encode(), mode=0o600)

        await self._database.write(make)


def owner_token(folder: Path) -> Path:
    """The file with the first owner's token, until somebody removes it."""
    return folder / _OWNER_TOKEN
