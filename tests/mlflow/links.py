"""A link between a machine and its server, which can be cut and healed."""

from __future__ import annotations

import contextlib
import socket
import threading
from urllib.parse import urlsplit

from faena.node.accepting import accept_forever, shut


class Link:
    """A way to a server's listener."""

    def __init__(self, url: str) -> None:
        self._server = (urlsplit(url).hostname, urlsplit(url).port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"{urlsplit(url).scheme}://127.0.0.1:{self._listener.getsockname()[1]}"
        self._is_cut = threading.Event()
        self._open: set[socket.socket] = set()
        self.bytes_left: int | None = None
        """From the server, after which it is cut by itself."""
        self.is_deaf = False
        """Whether it is cut by what comes from the server next."""
        self.turned_away = 0
        """Who came while it was cut."""
        accept_forever(self._listener, self._join, "link")

    @property
    def is_cut(self) -> bool:
        return self._is_cut.is_set()

    def cut(self) -> None:
        """Until `heal`: what is under way is lost, and nobody gets through."""
        self._is_cut.set()
        for each in list(self._open):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def heal(self) -> None:
        self._is_cut.clear()

    def close(self) -> None:
        self.cut()
        shut(self._listener)

    def _join(self, near: socket.socket) -> None:
        with near, contextlib.suppress(OSError):
            if self._is_cut.is_set():
                self.turned_away += 1
                return
            with socket.create_connection(self._server) as far:
                for each in (near, far):
                    each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._open |= {near, far}
                back = threading.Thread(target=self._copy, args=(far, near), daemon=True)
                back.start()
                self._copy(near, far, is_up=True)
                back.join()
                self._open -= {near, far}

    def _copy(self, source: socket.socket, target: socket.socket, *, is_up: bool = False) -> None:
        with contextlib.suppress(OSError):
            while (data := source.recv(1 << 16)) and not self._is_cut.is_set():
                if not is_up and self.is_deaf:
                    self.is_deaf = False
                    self.cut()
                    return
                if not is_up and self.bytes_left is not None:
                    self.bytes_left -= len(data)
                    if self.bytes_left < 0:
                        self.bytes_left = None
                        self.cut()
                        return
                target.sendall(data)
        for each in (source, target):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR if self._is_cut.is_set() else socket.SHUT_WR)
