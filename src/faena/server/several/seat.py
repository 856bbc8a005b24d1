"""Whether this process leads, and what it does when it begins to."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from faena.db import Database, Write, leading
from faena.db.leading import LeaderLock, Place
from faena.kernel.errors import FaenaError, WorkspaceException
from faena.server.election import Leadership
from faena.server.taking_over import ask_to_leave

_LOOK_S = 0.5
"""Between looks of a process that waits to lead, and of the one that does: whether it still may."""
_AFTER_LOSS_S = 1.5
"""Seconds for which the one that led has the first try, where PostgreSQL was started anew and all have lost it."""
_HELD_S = 3.0
"""Seconds in which whoever has the folder's locks has left: it leads no more, and writes nothing that counts."""
_TELLING_S = 2.0
_log = logging.getLogger(__name__)


class Seat:
    """Belongs to one event loop. `begin`: awaited once this process leads, with the locks of the folder."""

    def __init__(
        self,
        folder: Path,
        database: Database,
        lock: LeaderLock,
        begin: Callable[[Leadership], Awaitable[None]],
        held: Leadership | None = None,
    ) -> None:
        """`held`: the folder's locks, where this process has them already."""
        self._held = held
        self.leadership: Leadership | None = None
        self.deposed = ""
        """Why this process must leave: it led, and another one does. Empty while that is not so."""
        self._folder = folder
        self._database = database
        self._lock = lock
        self._begin = begin
        self._number = 0
        self._told: Place | None = None
        self._has_left = False

    @property
    def leads(self) -> bool:
        return self.leadership is not None and not self.deposed and not self._has_left

    async def try_to_lead(self) -> bool:
        """Whether this process leads now. Raises what keeps it from beginning, with nothing of it done."""
        if self.leads or not await asyncio.to_thread(self._lock.take):
            return self.leads
        try:
            self._number = await self._database.write(lambda write: leading.take_number(write.connection))
            self._database.lead(self._number)
            leadership = await self._take_folder()
            await self._begin(leadership)
        except BaseException:
            await asyncio.to_thread(self._lock.close)
            raise
        self.leadership = leadership
        await self._tell()
        _log.info("this process leads (the %d. that does)", self._number)
        return True

    async def be_told(self, place: Place) -> None:
        """Where others ask this process, once it leads."""
        self._told = place
        if self.leads:
            await self._tell()

    async def lead_within(self, seconds: float) -> bool:
        """Whether this process leads before so many seconds have gone. Raises what keeps it from beginning."""
        until = asyncio.get_running_loop().time() + seconds
        while not (leads := await self.try_to_lead()) and asyncio.get_running_loop().time() < until:
            await asyncio.sleep(_LOOK_S / 5)
        return leads

    async def keep(self) -> None:
        """Lead as soon as nobody does, and see that it is still so. Returns when this process must leave."""
        while not self.deposed:
            await asyncio.sleep(_LOOK_S)
            if self.leads:
                if not await asyncio.to_thread(self._lock.holds):
                    await self._regain()
                continue
            try:
                if not await self.try_to_lead():
                    await self._wait_in_line()
            except (FaenaError, DBAPIError, OSError) as error:
                _log.error("this process cannot lead: %s", error)
                self.deposed = f"it cannot lead ({error})"

    async def place(self) -> Place | None:
        """Where the one that leads is asked; None while nobody can be."""
        return await self._database.read_first(lambda read: leading.place_of(read.connection))

    async def leave(self) -> None:
        """Let the next one lead, once what only that may do has ended here. Idempotent.

        What people ask here yet is answered and written as by any other process.
        """
        if self.leads:
            self._has_left = True
            self._told = None
            with suppress(
                FaenaError, DBAPIError, TimeoutError
            ):  # else another one leads already, or finds nobody here
                async with asyncio.timeout(_TELLING_S):
                    await self._tell()
            self._database.lead(None)
        if self.leadership is not None:
            self.leadership.leave()
        await asyncio.to_thread(self._lock.close)

    async def _wait_in_line(self) -> None:
        if self._lock.was_lost:
            await asyncio.sleep(_AFTER_LOSS_S)
        elif (
            await self.place() is None
        ):  # one of the background leads, or one like this that is still starting
            await asyncio.to_thread(_ask_to_leave, self._folder, unless_shared=True)

    async def _regain(self) -> None:
        """After PostgreSQL was away: nobody else has led meanwhile, or this process must leave."""
        while not await asyncio.to_thread(self._lock.take):
            if not self._lock.was_lost:
                self.deposed = "another process leads"
                return
            await asyncio.sleep(_LOOK_S)
        try:
            await self._database.write(lambda write: None)  # which is refused where somebody has
        except FaenaError as error:
            self.deposed = error.message
        else:
            _log.info("this process leads still")

    async def _take_folder(self) -> Leadership:
        """Raises OSError and WorkspaceException."""
        if self._held is not None:
            return self._held
        until = asyncio.get_running_loop().time() + _HELD_S
        while True:
            is_late = asyncio.get_running_loop().time() > until
            try:
                found = await asyncio.to_thread(Leadership.take, self._folder, by_force=is_late)
                if found is not None:
                    return found
            except WorkspaceException:
                if is_late:
                    raise
            await asyncio.to_thread(_ask_to_leave, self._folder)
            await asyncio.sleep(_LOOK_S / 10)

    async def _tell(self) -> None:
        def tell(write: Write) -> None:
            leading.set_place(write.connection, self._number, self._told)

        await self._database.write(tell)


def _ask_to_leave(folder: Path, *, unless_shared: bool = False) -> None:
    with suppress(OSError):
        ask_to_leave(folder, unless_shared=unless_shared)
