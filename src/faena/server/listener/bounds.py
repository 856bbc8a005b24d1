"""What one listener gives to all that connect, and how many descriptors the process has for it."""

from __future__ import annotations

import resource
from contextlib import suppress
from dataclasses import dataclass

_WANTED = 4096
"""Descriptors: what runners and scripts inherit, too, which mind no more of them than this."""
_OF_NODES = 8192
"""Connections of other machines at once: of some two thousand nodes."""
_KEPT = 256
"""Descriptors for files, databases, children and the listeners themselves."""


@dataclass(frozen=True, slots=True)
class Bounds:
    connections: int
    """At once; of those that wait for a request or its end, the oldest goes for a new one."""
    head_bytes: int
    """Of a request line and all headers of a request."""
    address_bytes: int
    headers: int = 100
    pipelined: int = 4
    """Requests that are sent before an earlier one was answered."""
    head_seconds: float = 10.0
    """From the connection, or the first byte of a later request, to the end of its head."""
    body_seconds: float = 60.0
    """In which a body brings `body_bytes`, or its end."""
    body_bytes: int = 16 << 10
    unread_bytes: int = 1 << 20
    """That are taken and thrown away of a body whose request has been answered."""
    unread_seconds: float = 5.0


GATEWAY = Bounds(connections=128, head_bytes=64 << 10, address_bytes=48 << 10)
"""For whoever can reach the host's loopback."""


def for_socket() -> Bounds:
    """For processes of the server's own user, with all descriptors that the gateway and the rest leave."""
    return Bounds(
        connections=max(64, descriptors() - GATEWAY.connections - _KEPT),
        head_bytes=256 << 10,
        address_bytes=192 << 10,
        head_seconds=60.0,
        unread_bytes=128 << 20,
        unread_seconds=60.0,
    )


def for_nodes() -> Bounds:
    """For other machines: a node has a connection for its beats, one that waits for work, and some for its run.

    The process gets descriptors for them besides those that it has, as far as the system lets us.
    """
    raise_descriptors(_WANTED + _OF_NODES)
    return Bounds(
        connections=max(64, min(_OF_NODES, descriptors() - _WANTED)),
        head_bytes=64 << 10,
        address_bytes=48 << 10,
        unread_bytes=16 << 20,
        unread_seconds=30.0,
    )


def descriptors() -> int:
    """How many this process may have open."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def raise_descriptors(most: int = _WANTED) -> None:
    """Take more of them, as far as the system lets us: each client and each runner has some."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = most if hard == resource.RLIM_INFINITY else min(most, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):  # systems may have a limit of their own below it
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
