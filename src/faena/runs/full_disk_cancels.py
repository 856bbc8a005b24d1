"""Cancels that a full disk keeps from being written: the run that fills it must be stopped all the same.

They are known in memory until the database takes them; runners hear of them as of any cancel.
"""

from __future__ import annotations

import asyncio
import logging
from weakref import WeakKeyDictionary

from faena.db import Database
from faena.kernel.clock import Clock
from faena.kernel.errors import FaenaError, StorageFull
from faena.kernel.notifications import Notifications
from faena.runs import service, transitions
from faena.runs.model import Run, RunStatus

_log = logging.getLogger(__name__)
_BETWEEN_S = 2.0
_asked: WeakKeyDictionary[Notifications, dict[str, asyncio.Task[None]]] = WeakKeyDictionary()


def is_asked(notifications: Notifications, run_id: str) -> bool:
    """Whether the run's scripts are to be stopped although no cancel could be written."""
    return run_id in _asked.get(notifications, ())


async def cancel(run_id: str, database: Database, notifications: Notifications, clock: Clock) -> Run:
    """As `service.cancel`. Raises StorageFull for a run that no node has: there is nothing to stop."""
    try:
        return await database.write(lambda write: service.cancel(write, run_id, clock.now()))
    except StorageFull:
        run = await database.read(lambda read: service.get(read, run_id))
        if run.status not in (RunStatus.STARTING, RunStatus.RUNNING):
            raise
    asked = _asked.setdefault(notifications, {})
    if run_id not in asked:
        asked[run_id] = asyncio.create_task(_write_at_last(run_id, database, notifications, clock))
    notifications.notify({transitions.topic(run_id)})
    return run


async def _write_at_last(run_id: str, database: Database, notifications: Notifications, clock: Clock) -> None:
    """Write the cancel as soon as there is room for it."""
    try:
        while True:
            await asyncio.sleep(_BETWEEN_S)
            try:
                await database.write(lambda write: service.cancel(write, run_id, clock.now()))
            except StorageFull:
                continue
            return
    except FaenaError as error:
        _log.warning("the cancel of run %s cannot be written: %s", run_id, error.message)
    finally:
        _asked.get(notifications, {}).pop(run_id, None)
