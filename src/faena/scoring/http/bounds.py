"""How much of a front whoever connects may take."""

from __future__ import annotations

import resource
from contextlib import suppress
from dataclasses import dataclass

from faena.scoring.desired import Limits

_KEPT = 256
"""Descriptors for logs, workers and listeners."""


@dataclass(frozen=True, slots=True)
class Bounds:
    connections: int
    head_bytes: int
    body_bytes: int
    head_seconds: float
    body_seconds: float
    keep_alive_seconds: float
    headers: int = 256
    in_flight: int = 16
    """Requests of one connection that are worked on at once; later ones wait unanswered."""
    progress_bytes: int = 16 << 10
    """Of a body in `body_seconds`."""
    linger_seconds: float = 2.0
    """For which the sender of a refused request may go on sending, that it can read why."""
    linger_bytes: int = 64 << 20
    held_bytes: int = 1 << 30
    """Of bodies that come or wait for their answer, of all connections together."""

    @classmethod
    def of(cls, limits: Limits) -> Bounds:
        return cls(
            connections=min(limits.connections, max(16, raise_descriptors(limits.connections) - _KEPT)),
            head_bytes=limits.header_bytes,
            body_bytes=limits.body_bytes,
            head_seconds=limits.head_s,
            body_seconds=limits.body_s,
            keep_alive_seconds=limits.keep_alive_s,
            held_bytes=max(1 << 30, limits.body_bytes),
        )


def raise_descriptors(connections: int) -> int:
    """Have enough for so many connections, as far as the system lets us; how many there are."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + _KEPT
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):  # systems may have a limit of their own below it
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return wanted if soft == resource.RLIM_INFINITY else soft
