"""A batch that a runner sends: its bytes are kept, and the answer says how to go on."""

from __future__ import annotations

from msgspec import Struct

from faena.attempts.key import AttemptKey
from faena.db import Write
from faena.kernel.errors import StorageFull
from faena.runs import full_disk_cancels
from faena.runs.engine import attempts, batches
from faena.runs.engine.attempts import Progress
from faena.runs.engine.batches import Rank, ShipHeader
from faena.runs.engine.services import RunnerServices
from faena.runs.far_files import FileQuestion
from faena.tracking import watching

PACE = "pace"
"""Where the state of a request's scope says how seldom nodes elsewhere are to speak."""


class ShipAnswer(Struct, frozen=True):
    offsets: dict[str, int]
    cancel: bool
    watched: bool
    """Whether somebody follows the run, so that what it writes is to be sent soon."""
    points: bool = False
    """Whether somebody waits for its points, too."""
    pace: float = 0.0
    """Seconds between what it sends while nobody watches, where that is to be more than usual."""
    asked: tuple[FileQuestion, ...] = ()
    """About files that the script has written so far, on another machine."""


async def take(key: Rank, data: bytes, services: RunnerServices, pace: float) -> ShipAnswer:
    """Keep a batch, and what its runner is told then. `data`: its head and bytes; `pace`: as of the answer.

    Raises UserErrorException for a head that cannot be read, and what the database raises.
    """
    header, body = batches.split(data, ShipHeader)
    clock = services.clock

    def append(write: Write, careful: bool) -> dict[str, int]:
        attempts.check(write, key.run_id, key.attempt, key.rank)
        found = batches.append(write, key, header, body, clock.now(), services.limits, careful=careful)
        if header.started_at is not None:
            Progress.find(write, key.run_id, key.attempt, key.rank).started(
                header.started_at, clock.now(), header.sent_at
            )
        return found

    found: dict[str, int] = {}
    if header.segments or header.started_at is not None:
        try:
            found = await batches.taken(services.database, append)
        except StorageFull:
            if not full_disk_cancels.is_asked(services.notifications, key.run_id):
                raise  # else nothing was taken, and the script is stopped
    return answer(found, await services.must_stop(key), key, services, pace)


def answer(found: dict[str, int], stop: bool, key: Rank, services: RunnerServices, pace: float) -> ShipAnswer:
    notifications = services.notifications
    watched = watching.is_watched(notifications, key.run_id)
    stop = stop or full_disk_cancels.is_asked(notifications, key.run_id)
    points = watching.are_points_watched(notifications, key.run_id)
    asked = services.far.take(name(key)) if services.far is not None else ()
    return ShipAnswer(found, stop, watched, points, pace, asked)


def name(key: Rank) -> str:
    return AttemptKey(key.run_id, key.attempt, key.rank).name
