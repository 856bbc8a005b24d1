"""Wakes coroutines when something that they wait for was committed."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Bell:
    """Rings once for any number of changes since it was last waited for."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def ring(self) -> None:
        self._event.set()

    async def wait(self, timeout: float) -> bool:
        """Whether it rang within `timeout` seconds, or had rung before."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._event.wait(), timeout)
        rang = self._event.is_set()
        self._event.clear()
        return rang


class Bells:
    """Bells by topic. Belongs to one event loop; `ring_from_thread` may be called from any thread."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._listening: dict[str, set[Bell]] = defaultdict(set)

    def ring_from_thread(self, topics: set[str]) -> None:
        with suppress(RuntimeError):  # the loop was closed meanwhile: nobody listens any more
            self._loop.call_soon_threadsafe(self.ring, topics)

    def ring(self, topics: set[str]) -> None:
        for topic in topics:
            for bell in self._listening.get(topic, ()):
                bell.ring()

    def is_heard(self, topic: str) -> bool:
        """Whether anybody listens to `topic`."""
        return topic in self._listening

    def heard(self) -> list[str]:
        """The topics that somebody listens to."""
        return list(self._listening)

    @contextmanager
    def listen(self, *topics: str) -> Iterator[Bell]:
        bell = Bell()
        for topic in topics:
            self._listening[topic].add(bell)
        try:
            yield bell
        finally:
            for topic in topics:
                self._listening[topic].discard(bell)
                if not self._listening[topic]:
                    del self._listening[topic]
