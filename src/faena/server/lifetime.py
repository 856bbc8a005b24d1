"""When a server leaves: it was asked to, it has been idle, Faena was installed anew,
its database is damaged or can be written no more, or the workspace is not where it was."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from faena.kernel.clock import Clock
from faena.kernel.installation import installed

_LOOK = 0.5
_LOOK_AT_VERSION = 15.0


class Leaving(StrEnum):
    ASKED = "it was asked to"
    IDLE = "it was idle"
    OUTDATED = "Faena was installed anew"
    """Whoever needs a server next, a runner at once, starts the new one."""
    DAMAGED = "the database is damaged"
    """Nothing more may be written to it; who asks for a server next hears why there is none."""
    BROKEN = "it cannot do its work any more"
    """A part of it that should run as long as the server has ended. Whoever needs a server next starts another one."""
    RESTARTED = "the next one takes its place in this process"
    LOST = "the workspace was moved or removed"
    """Whoever needs a server next starts one where the workspace is."""

    @property
    def may_have_successor(self) -> bool:
        """Whether another server does better at once, where there is work for it."""
        return self in (Leaving.ASKED, Leaving.IDLE, Leaving.OUTDATED)

    @property
    def is_orderly(self) -> bool:
        """Whether there is time, and a database, to see idle nodes off."""
        return self in (Leaving.ASKED, Leaving.IDLE)


@dataclass(slots=True)
class Activity:
    """Requests in progress, streams among them, and when the last one ended. Nodes that ask for work do not count."""

    clock: Clock
    open: int = 0
    quiet_since: float = 0.0

    def quiet_seconds(self) -> float:
        return 0.0 if self.open else self.clock.monotonic() - self.quiet_since


async def happened(event: asyncio.Event, timeout: float) -> bool:
    """Whether it does within `timeout` seconds."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(timeout):
            await event.wait()
    return event.is_set()


async def until_leaving(
    asked: asyncio.Event,
    activity: Activity,
    is_idle: Callable[[], bool],
    *,
    idle_seconds: float,
    installed: Callable[[], str | None] = installed,
    is_damaged: Callable[[], bool] = lambda: False,
    is_broken: Callable[[], bool] = lambda: False,
    is_lost: Callable[[], bool] = lambda: False,
    running: str | None = None,
) -> Leaving:
    """Wait for a reason to leave. `is_idle`: no run is unfinished and no node is more than the minimum.

    `running`: what was installed when the server started; None: what is now.
    """
    running = running or installed()
    looked_at_version = activity.clock.monotonic()
    while True:
        if await happened(asked, min(_LOOK, idle_seconds)):
            return Leaving.ASKED
        if is_lost():
            return Leaving.LOST
        if is_damaged():
            return Leaving.DAMAGED
        if is_broken():
            return Leaving.BROKEN
        if is_idle() and activity.quiet_seconds() > idle_seconds:
            return Leaving.IDLE
        if activity.clock.monotonic() - looked_at_version >= _LOOK_AT_VERSION:
            looked_at_version = activity.clock.monotonic()
            now = installed()
            running = running or now
            if now not in (running, None):
                return Leaving.OUTDATED
