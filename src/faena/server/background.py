"""What goes on in a server beside answering: in the one process that leads, where there are several."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any

Works = Callable[[], Sequence[Coroutine[Any, Any, Any]]]


class Background:
    """Belongs to one event loop."""

    def __init__(self, first: Callable[[], Awaitable[None]], vital: Works, others: Works) -> None:
        """`first`: done before the rest begins. `vital`: without which the server is of no use; `others`: the rest."""
        self._first = first
        self._vital = vital
        self._others = others
        self._running: list[asyncio.Future[Any]] = []

    @property
    def has_begun(self) -> bool:
        return bool(self._running)

    @property
    def broken(self) -> str:
        """Why the server is of no use any more; empty while it is."""
        if self._running and self._running[0].done() and not self._running[0].cancelled():
            return f"the engine has ended ({self._running[0].exception()!r})"
        return ""

    async def begin(self) -> None:
        """Once. Raises what keeps it from beginning."""
        await self._first()
        self._running = [asyncio.gather(*works()) for works in (self._vital, self._others)]

    async def end(self) -> None:
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
