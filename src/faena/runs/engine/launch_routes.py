"""HTTP of runners: what the nodes of a run tell each other as their ranks start. It is kept until the run goes."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import get, put
from msgspec import Struct

from faena.db import Database, Read, Write
from faena.kernel.clock import Clock
from faena.kernel.errors import UserErrorException
from faena.kernel.notifications import Notifications
from faena.kernel.rights import HOST
from faena.runs import attempt_store, transitions
from faena.runs.engine import attempts
from faena.runs.engine.batches import Rank

_LARGEST = 1 << 20
"""Bytes that a node tells."""


class Told(Struct, frozen=True):
    told: dict[str, Any]
    """By names that the nodes agree upon; what was told by a name before is replaced."""


class Heard(Struct, frozen=True):
    """What each of the first nodes has told by the name that was asked for; None where that is not all there yet."""

    told: list[Any] | None


def _topic(key: Rank) -> str:
    return f"told:{key.run_id}.{key.attempt}"


@put("/launch", status_code=204, summary="What a node tells the other nodes of the run", opt=HOST)
async def tell(key: Rank, data: Told, database: Database) -> None:
    def keep(write: Write) -> None:
        attempts.check(write, key.run_id, key.attempt, key.rank)
        before = attempt_store.told(write, key.run_id, key.attempt).get(key.rank)
        told = msgspec.json.encode((msgspec.json.decode(before) if before else {}) | data.told)
        if len(told) > _LARGEST:
            raise UserErrorException(f"A node tells the others {_LARGEST:,} bytes at most.")
        attempt_store.tell(write, key.run_id, key.attempt, key.rank, told)
        write.notify(_topic(key))

    await database.write(keep)


@get(
    "/launch",
    summary="What the first nodes of the run have told: held until that is there or the run is to stop",
    opt=HOST,
)
async def heard(
    key: Rank,
    name: str,
    nodes: int,
    wait: float,
    database: Database,
    notifications: Notifications,
    clock: Clock,
) -> Heard:
    until = clock.monotonic() + min(wait, 60.0)
    with notifications.subscribe(_topic(key), transitions.topic(key.run_id)) as subscription:
        while True:
            told, stop = await database.read_first(lambda read: _heard(read, key, name, nodes))
            left = until - clock.monotonic()
            if told is not None or stop or not left > 0:
                return Heard(told)
            await subscription.wait(left)


def _heard(read: Read, key: Rank, name: str, nodes: int) -> tuple[list[Any] | None, bool]:
    """What was told by all, and whether nobody needs to wait for more."""
    attempts.check(read, key.run_id, key.attempt, key.rank)
    found = {
        rank: msgspec.json.decode(told, type=dict[str, Any])
        for rank, told in attempt_store.told(read, key.run_id, key.attempt).items()
    }
    values = [found[node][name] for node in range(nodes) if name in found.get(node, {})]
    stop = attempts.must_stop(read, key.run_id, key.attempt)
    return (values if len(values) == nodes else None), stop


handlers = [tell, heard]
