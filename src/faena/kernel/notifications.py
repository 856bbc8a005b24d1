"""Wakes coroutines when something that they wait for was committed."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress

ALL = "*"
"""The topic that stands for all: anything may have changed."""
ELSEWHERE = "elsewhere:"
"""Before a topic: another process has subscribers to it, and says so again before long."""
_ELSEWHERE_S = 6.0
"""Seconds for which that counts."""


class Subscription:
    """Wakes once for any number of changes since it was last waited for. One coroutine waits for it."""

    def __init__(self) -> None:
        self._changed = False
        self._waiter: asyncio.Future[None] | None = None

    @property
    def has_come(self) -> bool:
        """Whether something changed since it was last waited for."""
        return self._changed

    def notify(self) -> None:
        self._changed = True
        if self._waiter is not None:
            _settle(self._waiter)

    async def wait(self, timeout: float) -> bool:
        """Whether something changed within `timeout` seconds, or had before."""
        if not self._changed:
            # as asyncio.wait_for, without a task for each wait: a server at rest does little else
            loop = asyncio.get_running_loop()
            self._waiter = loop.create_future()
            timer = loop.call_later(timeout, _settle, self._waiter)
            try:
                await self._waiter
            finally:
                timer.cancel()
                self._waiter = None
        changed, self._changed = self._changed, False
        return changed


def _settle(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


class Notifications:
    """Subscriptions by topic. Belongs to one event loop; `notify_from_thread` may be called from any thread."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._subscribed: dict[str, set[Subscription]] = defaultdict(set)
        self._counted: dict[str, int] = {}
        self._elsewhere: dict[str, float] = {}
        """Until when each topic is taken to have subscribers in another process."""

    def notify_from_thread(self, topics: set[str]) -> None:
        with suppress(RuntimeError):  # the loop was closed meanwhile: nobody waits any more
            self._loop.call_soon_threadsafe(self.notify, topics)

    def notify(self, topics: set[str]) -> None:
        if ALL in topics:
            topics = {*topics, *self._subscribed, *self._counted}
        self._note_elsewhere(topics)
        for topic in topics:
            if topic in self._counted:
                self._counted[topic] += 1
            for subscription in self._subscribed.get(topic, ()):
                subscription.notify()

    def count(self, *topics: str) -> int:
        """How often these have had news since somebody first asked: who finds the same number has missed none."""
        return sum(self._counted.setdefault(topic, 0) for topic in topics)

    def has_subscribers(self, topic: str) -> bool:
        """Whether anybody has subscribed to `topic`, in whichever process."""
        return topic in self._subscribed or self._elsewhere.get(topic, 0.0) > self._loop.time()

    def topics(self) -> list[str]:
        """The topics that somebody is subscribed to, in whichever process."""
        now = self._loop.time()
        return [*self._subscribed, *(topic for topic, until in self._elsewhere.items() if until > now)]

    def topics_here(self) -> list[str]:
        """Those that somebody is subscribed to in this process."""
        return list(self._subscribed)

    def _note_elsewhere(self, topics: set[str]) -> None:
        now = self._loop.time()
        found = [topic.removeprefix(ELSEWHERE) for topic in topics if topic.startswith(ELSEWHERE)]
        if found:
            self._elsewhere = {topic: until for topic, until in self._elsewhere.items() if until > now}
            self._elsewhere |= dict.fromkeys(found, now + _ELSEWHERE_S)

    @contextmanager
    def subscribe(self, *topics: str) -> Iterator[Subscription]:
        subscription = Subscription()
        for topic in topics:
            self._subscribed[topic].add(subscription)
        try:
            yield subscription
        finally:
            for topic in topics:
                self._subscribed[topic].discard(subscription)
                if not self._subscribed[topic]:
                    del self._subscribed[topic]
