"""An address of this machine at which MLflow's clients of one script are answered by the server."""

from __future__ import annotations

import contextlib
import socket
import threading

from faena.attempts.api import ServerApi
from faena.attempts.key import AttemptKey
from faena.node.accepting import accept_forever, shut
from faena.node.relay.asking import Asker
from faena.node.relay.requests import Requests

_LOOPBACK = "127.0.0.1"
_MOST = 128
"""Connections at once."""
_BUSY = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Relay:
    """Listens from the moment it is made until `close`. Whoever asks shows `token`, which the run's script was given.

    The server is asked with the attempt's own token, and treats what comes so as it treats that of the run
    (`server/node_listener/scripts.py`).
    """

    def __init__(self, api: ServerApi, key: AttemptKey, token: str) -> None:
        """Raises OSError where nothing can listen."""
        self.token = token
        self.asker = Asker(api, key)
        self._open: set[socket.socket] = set()
        self._turn = threading.Lock()
        self._listener = socket.create_server((_LOOPBACK, 0), backlog=_MOST)
        self.url = f"http://{_LOOPBACK}:{self._listener.getsockname()[1]}"
        accept_forever(self._listener, self._serve, "mlflow")

    def close(self) -> None:
        shut(self._listener)
        self.asker.close()
        with self._turn:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._turn:
                is_one_too_many = len(self._open) >= _MOST
                if not is_one_too_many:
                    self._open.add(connection)
            if is_one_too_many:
                connection.sendall(_BUSY)
                return
            try:
                Requests(connection, connection.getpeername(), self)  # type: ignore[arg-type]  # it is no server of theirs
            finally:
                with self._turn:
                    self._open.discard(connection)
