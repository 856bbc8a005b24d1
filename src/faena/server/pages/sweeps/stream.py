"""The stream of a sweep's page: that of its run, while its trials are watched as if somebody looked at their charts."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Collection
from contextlib import ExitStack

from faena.db import Database
from faena.kernel.notifications import Notifications
from faena.sweeps import glances
from faena.tracking.watching import metrics_topic, watching

MOST_WATCHED = 60
_PAUSE = 1.0
"""Seconds between two looks at which trials go on; the stream has something to say every 2 seconds at least."""


class WatchedTrials:
    """What they log comes at once, as long as they are watched."""

    def __init__(self, notifications: Notifications) -> None:
        self._notifications = notifications
        self._watchers: dict[str, ExitStack] = {}

    @property
    def run_ids(self) -> frozenset[str]:
        return frozenset(self._watchers)

    def watch(self, run_ids: Collection[str]) -> None:
        """These and no others."""
        for run_id in self._watchers.keys() - set(run_ids):
            self._watchers.pop(run_id).close()
        for run_id in set(run_ids) - self._watchers.keys():
            watcher = self._watchers[run_id] = ExitStack()
            watcher.enter_context(watching(self._notifications, run_id, metrics_topic(run_id)))


async def with_trials_watched(
    stream: AsyncIterator[bytes], sweep_id: str, database: Database, notifications: Notifications
) -> AsyncIterator[bytes]:
    trials = WatchedTrials(notifications)
    looked = 0.0
    try:
        async for part in stream:
            yield part
            if time.monotonic() - looked >= _PAUSE:
                looked = time.monotonic()
                trials.watch(await database.read(lambda read: glances.going(read, sweep_id, MOST_WATCHED)))
    finally:
        trials.watch(())
