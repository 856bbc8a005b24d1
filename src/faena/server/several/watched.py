"""Tells the process that leads which runs are watched at this one, so that their nodes send sooner what they log."""

from __future__ import annotations

import logging
from collections.abc import Callable

from sqlalchemy.exc import DBAPIError

from faena.db import Database, Write
from faena.kernel.errors import FaenaError
from faena.kernel.notifications import ELSEWHERE, Notifications
from faena.tracking import watching

_AGAIN_S = 2.0
_MOST = 200
"""Runs that are told of; the others' logs come as those that nobody watches."""
_log = logging.getLogger(__name__)


async def tell_what_is_watched(
    database: Database, notifications: Notifications, leads: Callable[[], bool]
) -> None:
    """Never returns. Nothing is written while nobody watches, or this process leads."""
    told: set[str] = set()
    with notifications.subscribe(watching.BEGAN) as began:
        while True:
            runs = {} if leads() else watching.watched_runs(notifications.topics_here())
            if runs:
                topics = [ELSEWHERE + topic for found in list(runs.values())[:_MOST] for topic in found]
                topics += [watching.began_topic(run_id) for run_id in runs.keys() - told]
                try:
                    await database.write(lambda write: _tell(write, topics))  # noqa: B023  it is done by then
                except (FaenaError, DBAPIError) as error:
                    _log.warning("what is watched here is not told: %s", error)
            told = set(runs)
            await began.wait(_AGAIN_S if runs else 60.0)


def _tell(write: Write, topics: list[str]) -> None:
    for topic in topics:
        write.notify(topic)
