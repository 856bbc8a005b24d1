"""Has a process begin what only one may do: at once where it is alone, else when it leads."""

from __future__ import annotations

import asyncio
from typing import Any

from litestar.types import ASGIApp

from faena.kernel.errors import WorkspaceException
from faena.server.app import House
from faena.server.election import Leadership
from faena.server.listener.bounds import for_socket
from faena.server.listener.configuration import configured
from faena.server.listener.leaving import sent_on
from faena.server.listener.second import SecondServer
from faena.server.operation.probes import with_probes
from faena.server.several.common_clock import CommonClock
from faena.server.several.membership import Membership
from faena.server.several.seat import Seat
from faena.server.several.watched import tell_what_is_watched

_BACKLOG = 512
_KEEP_ALIVE = 3600
_PATIENCE_S = 5.0
"""Seconds for one that a command started: by then the one that led has left, or another host's leads."""


class Steward:
    """Of a process. `place`: the locks of the folder, or that it is one of several. `clock`: the house's."""

    def __init__(self, house: House, place: Leadership | Membership, clock: CommonClock) -> None:
        self._clock = clock
        self._house = house
        self._place = place
        self._app: ASGIApp | None = None
        self._tasks: list[asyncio.Future[Any]] = []
        self._socket: SecondServer | None = None
        lock = house.database.leading
        held = place if isinstance(place, Leadership) else None
        self.seat = None if lock is None else Seat(place.folder, house.database, lock, self._begin, held)

    @property
    def deposed(self) -> str:
        """Why this process must leave; empty while it need not."""
        return self.seat.deposed if self.seat is not None else ""

    async def begin(self, app: ASGIApp) -> None:
        """Raises what keeps this process from being a server."""
        self._app = app
        if self.seat is not None:
            await self._clock.compare(self._house.database)
        if self.seat is None:
            self._open_again(app)
        elif isinstance(self._place, Membership):
            await self.seat.try_to_lead()
        elif not await self.seat.lead_within(_PATIENCE_S):
            raise WorkspaceException(
                f"The workspace in {self._place.folder.parent} is served by processes of `faena server run` elsewhere. "
                "Work by their URL (`faena login URL`), or on their host."
            )
        if (seat := self.seat) is not None:
            house = self._house
            self._tasks += [
                asyncio.create_task(seat.keep()),
                asyncio.create_task(self._clock.follow(house.database)),
                asyncio.create_task(
                    tell_what_is_watched(house.database, house.notifications, lambda: seat.leads)
                ),
            ]

    async def be_told(self) -> None:
        """Where other processes ask this one, once that is known."""
        if self.seat is not None and self._house.team.place is not None:
            await self.seat.be_told(self._house.team.place)

    async def end(self) -> None:
        for task in self._tasks:
            task.cancel()
        if self._socket is not None:
            self._socket.should_exit = True
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self.seat is not None:
            await self._house.background.end()  # before the next one begins it
            if isinstance(self._place, Membership):
                self._place.leadership = (
                    None  # whose locks are the next one's: the workspace is not lost by that
                )
            await self.seat.leave()

    async def _begin(self, leadership: Leadership) -> None:
        assert self._app is not None
        await self._house.background.begin()
        if isinstance(self._place, Membership):
            self._place.leadership = leadership
            self._socket = SecondServer(
                configured(
                    sent_on(with_probes(self._app, self._house.watched.readiness)),
                    for_socket(),
                    backlog=_BACKLOG,
                    keep_alive=_KEEP_ALIVE,
                )
            )
            self._tasks.append(asyncio.create_task(self._socket.serve(sockets=[leadership.listener])))
        self._open_again(self._app)

    def _open_again(self, app: ASGIApp) -> None:
        house = self._house
        self._tasks += [
            asyncio.create_task(house.gateway.open_again(app, house.do_runs_go_on)),
            asyncio.create_task(house.node_listener.open_again(app)),
        ]
