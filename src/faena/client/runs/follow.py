"""Follows a run until it has ended, over as many connections as it takes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from faena.client.runs.show import Follower
from faena.kernel.errors import AnswerBroken, ServiceException
from faena.runs.schemas import LogEvent, RunView, StatusEvent

if TYPE_CHECKING:
    from faena.client.api import ServerApi

_PAUSE = 0.1
_BREAKS = 20
"""Connections in a row that may break before their first event."""


def follow(api: ServerApi, run_id: str, follower: Follower | None) -> RunView:
    """The run at its end. `follower` is shown what happens until then. Raises ServiceException."""
    try:
        return _followed(api, run_id, follower)
    finally:  # also where its user has seen enough
        if follower:
            follower.close()


def _followed(api: ServerApi, run_id: str, follower: Follower | None) -> RunView:
    offsets: dict[str, tuple[int, int]] = {}
    broken = 0
    ended: RunView | None = None
    while ended is None:
        try:
            for event in api.follow(run_id, offsets):
                broken = 0
                if isinstance(event, StatusEvent):
                    ended = event.run if event.run.ended_at is not None else None
                    if follower:
                        follower.status(event.run)
                elif follower and isinstance(event, LogEvent):
                    follower.log(event)
        except AnswerBroken as error:  # the server went away; the next request finds it again or starts it
            broken += 1
            if broken > _BREAKS:
                raise ServiceException(
                    f"Following run {run_id} breaks off again and again ({error})"
                ) from error
        if ended is None:
            time.sleep(_PAUSE)
    return ended
