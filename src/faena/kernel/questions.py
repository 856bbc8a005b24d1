"""Questions to those whom no way leads to but their own: each hears them in the answer to a request of its own, and
answers by another.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

from faena.kernel import ids

Q = TypeVar("Q")

_MOST = 64
"""That wait for one at a time."""


class TooMany(Exception):
    """So much is asked of somebody at this moment that one more would have to wait too long."""


class Questions(Generic[Q]):
    """Of one event loop. `tell`: called with whoever has something to hear."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._asked: dict[str, dict[str, Q]] = {}
        """What nobody has heard yet, by whom and by its id."""
        self._answers: dict[tuple[str, str], asyncio.Future[bytes]] = {}

    async def ask(self, whom: str, made: Callable[[str], Q], seconds: float) -> bytes:
        """The answer. `made`: the question with the id given. Raises TooMany, and TimeoutError after these seconds."""
        waiting = self._asked.setdefault(whom, {})
        if len(waiting) >= _MOST:
            raise TooMany
        named = ids.new_id("question")
        waiting[named] = made(named)
        answer = self._answers[whom, named] = asyncio.get_running_loop().create_future()
        self._tell(whom)
        try:
            return await asyncio.wait_for(answer, seconds)
        finally:
            self._answers.pop((whom, named), None)
            self.told(whom, [named])

    def waiting(self, whom: str) -> tuple[Q, ...]:
        """Those that it has not heard."""
        return tuple(self._asked.get(whom, {}).values())

    def told(self, whom: str, names: list[str]) -> None:
        """These are on their way, and are not told again."""
        waiting = self._asked.get(whom, {})
        for each in names:
            waiting.pop(each, None)
        if not waiting:
            self._asked.pop(whom, None)

    def take(self, whom: str) -> tuple[Q, ...]:
        """Those that it has not heard, which are not told again."""
        return tuple(self._asked.pop(whom, {}).values())

    def answer(self, whom: str, named: str, answer: bytes) -> None:
        """Nothing happens where nobody waits for it any more."""
        waiting = self._answers.get((whom, named))
        if waiting is not None and not waiting.done():
            waiting.set_result(answer)
