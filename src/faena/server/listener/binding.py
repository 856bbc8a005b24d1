"""Listening at an address for other machines."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import MutableMapping

from faena.kernel.tcp import end_when_silent

_FIRST = 3
"""The descriptor of the first socket that a supervisor hands over."""


def handed_over(
    environment: MutableMapping[str, str] = os.environ, first: int = _FIRST
) -> socket.socket | None:
    """The socket that systemd, or who does as it does, listens at for this process, where it does.

    It stays open while one server leaves and the next one starts: who connects meanwhile waits, and is not refused.
    Raises OSError for what is no such socket.
    """
    count, pid = environment.pop("LISTEN_FDS", ""), environment.pop("LISTEN_PID", "")
    if pid != str(os.getpid()) or count != "1":
        return None  # another process's, or sockets of which nobody said which one is ours
    os.set_inheritable(first, False)
    listener = socket.socket(fileno=first)
    if listener.type != socket.SOCK_STREAM or not listener.getsockopt(
        socket.SOL_SOCKET, socket.SO_ACCEPTCONN
    ):
        listener.detach()
        raise OSError(errno.ENOTCONN, "the socket that was handed over does not listen for connections")
    end_when_silent(listener)
    listener.setblocking(False)
    return listener


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
