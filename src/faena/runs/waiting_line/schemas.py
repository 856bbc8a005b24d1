"""Wire types of queues. Times are microseconds since the epoch, UTC."""

from __future__ import annotations

from msgspec import Struct


class QueuedRun(Struct, frozen=True):
    place: int
    """From 1 on."""
    run_id: str
    experiment: str
    number: int
    name: str | None
    user: str
    nodes: int
    queued_at: int
    waits_for: str | None
    """None: it gets its nodes at once."""
    may_start_at: int | None
    """As far as runs of the same experiments tell; None: nobody can say."""


class Queue(Struct, frozen=True):
    """Runs that have their environment and wait for nodes of a cluster, in their turn."""

    cluster: str
    nodes: int
    """That it may have."""
    length: int
    runs: list[QueuedRun]
    """The first of them."""
