"""TCP connections whose other end may vanish without a word: a cable is pulled, a host loses its power."""

from __future__ import annotations

import socket

_AFTER_S, _BETWEEN_S, _PROBES = 2, 1, 3
_UNACKNOWLEDGED_MS = 5000


def end_when_silent(connection: socket.socket) -> None:
    """Have the kernel end it when its peer's host has been silent for 5 s, whether or not there is something to send.

    What is accepted at a listening socket inherits this. Linux only; elsewhere the deadlines of requests must do.
    """
    options = (
        (socket.SOL_SOCKET, "SO_KEEPALIVE", 1),
        (socket.IPPROTO_TCP, "TCP_NODELAY", 1),
        (socket.IPPROTO_TCP, "TCP_KEEPIDLE", _AFTER_S),
        (socket.IPPROTO_TCP, "TCP_KEEPINTVL", _BETWEEN_S),
        (socket.IPPROTO_TCP, "TCP_KEEPCNT", _PROBES),
        (socket.IPPROTO_TCP, "TCP_USER_TIMEOUT", _UNACKNOWLEDGED_MS),
    )
    for level, name, value in options:
        if (option := getattr(socket, name, None)) is not None:
            connection.setsockopt(level, option, value)
