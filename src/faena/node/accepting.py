"""Takes the connections of a listening socket, each with a thread of its own: a script has a handful of processes."""

from __future__ import annotations

import contextlib
import errno
import socket
import threading
import time
from collections.abc import Callable

_PASSING = (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS, errno.ECONNABORTED)
"""Why no connection could be taken this time: the next one may be."""
_BREATH = 0.1


def accept_forever(listener: socket.socket, serve: Callable[[socket.socket], None], name: str) -> None:
    """Returns at once; ends with `shut`. `serve` closes the connection. `name`: of the threads."""
    threading.Thread(target=_accept, args=(listener, serve, name), name=name, daemon=True).start()


def shut(listener: socket.socket) -> None:
    # close() alone does not wake a thread that waits in accept()
    with contextlib.suppress(OSError):
        listener.shutdown(socket.SHUT_RDWR)
    listener.close()


def _accept(listener: socket.socket, serve: Callable[[socket.socket], None], name: str) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError as error:
            if error.errno not in _PASSING:
                return  # it was closed
            time.sleep(_BREATH)
            continue
        threading.Thread(target=serve, args=(connection,), name=name, daemon=True).start()
