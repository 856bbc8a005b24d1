"""Marks fields of requests that name something of the server's own host: a path, a process.

They count over the workspace's Unix socket, whose clients are of that host. Whoever comes by another transport is
refused and told what to do instead; `faena.server.host_fields` sees to it for all routes at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated


@dataclass(frozen=True, slots=True)
class OnHost:
    """`instead`: what whoever is elsewhere does. `counts`: whether a value names something of the host."""

    instead: str
    counts: Callable[[str], bool] = bool
    what: str = "a path"


HERE_ONLY = "Ask for it on the machine where the server runs."
BYTES = "Send the bytes (PUT /uploads/{digest}) and give their digest in its place."

HostFile = Annotated[str, OnHost(BYTES)]
"""A file whose bytes are taken."""
HostFolder = Annotated[str, OnHost(HERE_ONLY)]
"""A folder that is written, or read for more than its bytes."""
