"""Whether the scripts of an attempt are to be stopped, which each of its ranks asks with whatever it brings.

It is looked up for all of them together, and known as long as the run has no news: to read what has become of a
thousand ranks takes a millisecond, and each of them asks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import ExitStack

from msgspec import Struct

from faena.db import Database
from faena.kernel.notifications import Notifications, Subscription
from faena.runs import transitions
from faena.runs.engine import attempts

_KNOWN_FOR = 5.0
"""Seconds: whatever changes it is news of the run, which this does not rely on."""


class _Known(Struct, frozen=True):
    answer: asyncio.Task[bool]
    news: Subscription
    subscribed: ExitStack
    until: float


class Stops:
    """Belongs to one event loop."""

    def __init__(
        self, database: Database, notifications: Notifications, monotonic: Callable[[], float]
    ) -> None:
        self._database = database
        self._notifications = notifications
        self._monotonic = monotonic
        self._known: dict[tuple[str, int], _Known] = {}

    async def must_stop(self, run_id: str, attempt: int) -> bool:
        """As `attempts.must_stop`."""
        which = run_id, attempt
        known = self._known.get(which)
        if known is None or known.news.has_come or self._monotonic() >= known.until:
            known = self._look_up(which)
        try:
            return await asyncio.shield(known.answer)  # of others, too, where whoever asked goes
        except Exception:
            self._forget(which, known)
            raise

    def _look_up(self, which: tuple[str, int]) -> _Known:
        self._tidy()
        with ExitStack() as stack:
            news = stack.enter_context(self._notifications.subscribe(transitions.topic(which[0])))
            reading = self._database.read_first(lambda read: attempts.must_stop(read, *which))
            known = _Known(
                asyncio.ensure_future(reading), news, stack.pop_all(), self._monotonic() + _KNOWN_FOR
            )
        if (before := self._known.pop(which, None)) is not None:
            before.subscribed.close()
        self._known[which] = known
        return known

    def _tidy(self) -> None:
        """The oldest come first."""
        now = self._monotonic()
        while self._known and (oldest := next(iter(self._known.items())))[1].until <= now:
            self._forget(*oldest)

    def _forget(self, which: tuple[str, int], known: _Known) -> None:
        if self._known.get(which) is known:
            del self._known[which]
            known.subscribed.close()
