"""Listening at an address for other machines."""

from __future__ import annotations

import socket

from faena.kernel.tcp import end_when_silent


def bound(address: str, port: int, backlog: int) -> socket.socket:
    """`port`: 0 for a free one. Raises OSError where it cannot be listened at."""
    listener = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        end_when_silent(listener)
        listener.bind((address, port))
        listener.listen(backlog)
    except OSError:
        listener.close()
        raise
    listener.setblocking(False)
    return listener
