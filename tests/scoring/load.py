"""Clients that ask a front again and again, as HTTP has them do, and count what they get."""

from __future__ import annotations

import itertools
import json
import select
import socket as sockets
import ssl
import threading
import time
from collections import Counter

from faena.testing.waiting import until
from tests.scoring.listening import Client

_REST = 0.05
"""Seconds before one that could not connect, or lost its connection, tries again."""
_RESET = b"\x01\0\0\0\0\0\0\0"
"""SO_LINGER: a connection that is closed leaves nothing behind, so that addresses do not run out."""
_MOST_TOLD = 50


class Load:
    """Some ask on one connection for as long as it is kept, some on a new one each time.

    Each request has a number of its own. With `echoes` the script answers `[revision, number]`, else the revision.
    """

    def __init__(
        self,
        port: int,
        *,
        lasting: int = 4,
        fresh: int = 2,
        key: str = "key",
        tls: ssl.SSLContext | None = None,
        echoes: bool = False,
        pause: float = 0.002,
    ) -> None:
        self.port = port
        self.statuses: Counter[int] = Counter()
        self.bodies: Counter[bytes] = Counter()
        """What was answered with 200."""
        self.broken: list[str] = []
        """Requests that were sent and not answered, or wrongly; the first of them."""
        self.cut = 0
        """How many those are."""
        self.refused = 0
        """Connections that could not be made."""
        self.longest = 0.0
        """Seconds that one request took."""
        self.gap = 0.0
        """Seconds in which nobody was answered."""
        self._answered_at = 0.0
        self._headers = f"Authorization: Bearer {key}\r\n"
        self._tls = tls
        self._echoes = echoes
        self._pause = pause
        self._numbers = itertools.count(1)
        self._ends = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._last) for _ in range(lasting)]
        self._threads += [threading.Thread(target=self._afresh) for _ in range(fresh)]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        for thread in self._threads:
            thread.join(60)

    @property
    def clients(self) -> int:
        return len(self._threads)

    @property
    def asked(self) -> int:
        return self.statuses.total() + self.cut

    @property
    def failed(self) -> int:
        """Requests without the answer of the script."""
        return self.asked - self.statuses[200]

    def more(self, count: int, *, despite: bool = False) -> None:
        """Wait for so many more answers; no longer where one is missing, unless `despite` that."""
        before = self.statuses.total()
        until(
            lambda: (self.broken and not despite) or self.statuses.total() >= before + count,
            f"{count} more answers",
        )

    def _last(self) -> None:
        while not self._ends.is_set():
            client = self._connected()
            if client is None:
                continue
            with client:
                while not self._ends.is_set() and not _is_dropped(client) and self._ask(client):
                    time.sleep(self._pause)

    def _afresh(self) -> None:
        while not self._ends.is_set():
            client = self._connected()
            if client is None:
                continue
            with client:
                client.socket.setsockopt(sockets.SOL_SOCKET, sockets.SO_LINGER, _RESET)
                self._ask(client)
            time.sleep(self._pause)

    def _connected(self) -> Client | None:
        try:
            return Client(self.port, self._tls)
        except OSError:
            with self._lock:
                self.refused += 1
            self._ends.wait(_REST)
            return None

    def _ask(self, client: Client) -> bool:
        """Whether the connection may be used again."""
        number = next(self._numbers)
        began = time.monotonic()
        try:
            got = client.ask("/score", b"%d" % number, headers=self._headers)
            body = got.body if got.status == 200 else b""
            if self._echoes and body:
                revision, echoed = json.loads(body)
                assert echoed == number, f"{number} was asked, and {echoed} answered"
                body = b"%d" % revision
        except (OSError, AssertionError, ValueError) as error:
            with self._lock:
                self.cut += 1
                if len(self.broken) < _MOST_TOLD:
                    self.broken.append(f"{number}, after {time.monotonic() - began:.3f} s: {error!r}")
            self._ends.wait(_REST)
            return False
        now = time.monotonic()
        with self._lock:
            self.statuses[got.status] += 1
            self.bodies[body] += 1
            self.longest = max(self.longest, now - began)
            self.gap = max(self.gap, now - (self._answered_at or now))
            self._answered_at = now
        return got.headers.get("connection") != "close"


def _is_dropped(client: Client) -> bool:
    """Whether the other side has closed it: whoever asks by it now gets no answer."""
    return bool(select.select([client.socket], [], [], 0)[0])
