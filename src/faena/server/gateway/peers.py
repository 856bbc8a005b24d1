"""Whose process is at the other end of a connection on loopback: the system knows, by the user of its socket."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from litestar.types import HTTPScope

_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
_ESTABLISHED = "01"
_MAPPED = bytes(10) + b"\xff\xff"
"""In front of an IPv4 address, where the socket is one of IPv6."""


_SURE_S = 10.0
"""For which a connection that was looked at is not looked at again."""
_MOST_KNOWN = 1000


class Known:
    """Connections whose users are known. Belongs to one event loop."""

    def __init__(self) -> None:
        self._until: dict[tuple[str, int], float] = {}

    async def is_own(self, scope: HTTPScope) -> bool:
        """Whether the request comes from a process of this one's user; False where the system does not say."""
        peer, ours = scope["client"], scope["server"]
        if peer is None or ours is None or ours[1] is None:
            return False
        now = time.monotonic()
        if now < self._until.get(peer, 0.0):
            return True
        if not await asyncio.to_thread(is_own, peer, (ours[0], ours[1])):
            self._until.pop(peer, None)
            return False
        if len(self._until) >= _MOST_KNOWN:
            self._until = {each: until for each, until in self._until.items() if now < until}
        self._until[peer] = now + _SURE_S
        return True


def can_tell() -> bool:
    """Whether this system says so at all."""
    return _TABLES[0].exists()


def is_own(peer: tuple[str, int], ours: tuple[str, int]) -> bool:
    """Whether the connection from `peer` to `ours`, IPv4 addresses of this host, was made by this process's user."""
    mine = os.getuid()
    if mine == _nobody():
        return False  # as every user is called that this name space does not know
    wanted = {(_written(*peer, mapped=mapped), _written(*ours, mapped=mapped)) for mapped in (False, True)}
    owners = {user for local, remote, user in _connections() if (local, remote) in wanted}
    return owners == {mine}


def _connections() -> Iterator[tuple[str, str, int]]:
    for table in _TABLES:
        try:
            with table.open() as lines:
                next(lines, None)
                for line in lines:
                    _, local, remote, state, _, _, _, user, *_ = line.split()
                    if state == _ESTABLISHED:
                        yield local, remote, int(user)
        except (OSError, ValueError):
            continue


def _written(host: str, port: int, *, mapped: bool) -> str:
    """As the tables write it: each four bytes of the address as a number of this machine."""
    data = (_MAPPED if mapped else b"") + socket.inet_aton(host)
    words = (int.from_bytes(data[at : at + 4], sys.byteorder) for at in range(0, len(data), 4))
    return "".join(f"{word:08X}" for word in words) + f":{port:04X}"


def _nobody() -> int:
    try:
        return int(Path("/proc/sys/kernel/overflowuid").read_text())
    except (OSError, ValueError):
        return 65534
