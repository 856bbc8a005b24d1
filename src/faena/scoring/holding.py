"""Requests that come while an endpoint starts: they wait a little, as those of a front that was killed do."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from faena.scoring.exchange import Answer, Reply, Request

_SECONDS = 10.0
"""For which one is held; starting may take longer, and whoever asked is told then."""
_LOOK_SECONDS = 0.25
Held = tuple[Request, str, Reply]


class Holding:
    """`refusal` says why nobody answers."""

    def __init__(self, refusal: Callable[[], Answer]) -> None:
        self._refusal = refusal
        self._held: deque[Held] = deque()
        self._looking: asyncio.TimerHandle | None = None

    def hold(self, request: Request, route: str, reply: Reply, most: int) -> None:
        """Unless `most` are held already."""
        if len(self._held) >= most:
            reply(self._refusal())
            return
        self._held.append((request, route, reply))
        if self._looking is None:
            self._look_later()

    def release(self) -> list[Held]:
        """All of them, the oldest first: they can be answered now."""
        if self._looking is not None:
            self._looking.cancel()
            self._looking = None
        released, self._held = list(self._held), deque()
        return released

    def refuse(self) -> None:
        """All of them: nobody will answer."""
        for _, _, reply in self.release():
            reply(self._refusal())

    def _look_later(self) -> None:
        self._looking = asyncio.get_running_loop().call_later(_LOOK_SECONDS, self._look)

    def _look(self) -> None:
        self._looking = None
        now = asyncio.get_running_loop().time()
        while self._held and now - self._held[0][0].received >= _SECONDS:
            self._held.popleft()[2](self._refusal())
        if self._held:
            self._look_later()
