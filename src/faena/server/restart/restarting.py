"""How a shared server is restarted: who asks for it, what is waited for, what is left to the next one."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from faena.kernel.errors import Conflict, UserErrorException
from faena.server.lifetime import Leaving
from faena.server.restart.handed_on import SIGNAL
from faena.server.restart.rehearsal import rehearsed

_MOVING_S = 60.0
"""Seconds in which large uploads and downloads may end before it leaves."""
_log = logging.getLogger(__name__)


class Restarting:
    """Of one process. Belongs to one event loop."""

    def __init__(
        self,
        folder: Path,
        given: Mapping[str, str] | None,
        leave: Callable[[], None],
        rehearsed: Callable[[Path, Mapping[str, str]], Awaitable[str]] = rehearsed,
    ) -> None:
        """`given`: the settings of a shared server; None: it is none, and is not restarted. `leave` has it leave."""
        self._folder = folder
        self._given = given
        self._leave = leave
        self._rehearsed = rehearsed
        self._turn = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self.until_ready: Callable[[], Awaitable[None]] | None = None
        """Awaited before it leaves: balancers know, large transfers are over."""
        self.is_asked = False
        """Whether the next server would start, and this one leaves for it."""

    def listen(self) -> None:
        """To the signal. Nothing happens for a server that is not shared."""
        if self._given is not None:
            asyncio.get_running_loop().add_signal_handler(SIGNAL, self._at_signal)

    async def ask(self) -> None:
        """Find out whether the next server would start, and leave for it then.

        Raises UserErrorException for a server that is not shared, Conflict where the next one would not start.
        """
        if self._given is None:
            raise UserErrorException(
                "This server was started in the background, and is not restarted: `faena server stop` ends it, and "
                "whoever asks next starts the next one."
            )
        async with self._turn:
            if self.is_asked:
                return
            if fault := await self._rehearsed(self._folder, self._given):
                raise Conflict(f"The next server would not start: {fault} This one goes on.")
            self.is_asked = True
        self._keep(asyncio.create_task(self._when_ready()))

    async def reason(self, look: Callable[[], Awaitable[Leaving]]) -> Leaving:
        """Why the server leaves. `look` waits for a reason.

        A shared server for which Faena was installed anew is restarted, once that would start: while it is being
        installed, it is not whole.
        """
        while True:
            found = await look()
            if found is Leaving.ASKED and self.is_asked:
                return Leaving.RESTARTED
            if found is not Leaving.OUTDATED or self._given is None:
                return found
            await self._try_to()

    async def _try_to(self) -> None:
        """Say why not, where that is so."""
        try:
            await self.ask()
        except Conflict as error:
            _log.error("not restarted: %s", error.message)

    async def _when_ready(self) -> None:
        try:
            if self.until_ready is not None:
                await self.until_ready()
        finally:
            self._leave()

    def _at_signal(self) -> None:
        self._keep(asyncio.create_task(self._try_to()))

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def ready_to_restart(
    say_so: Callable[[], None] | None, drain: float, moved: Callable[[float], Awaitable[None]]
) -> None:
    """`say_so`: where other processes are there, to which people are sent within `drain` seconds.

    `moved`: waits for large transfers, for so many seconds at most.
    """
    if say_so is not None:
        say_so()
        await asyncio.sleep(drain)
    await moved(_MOVING_S)
