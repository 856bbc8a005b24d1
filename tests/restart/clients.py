"""Clients of a shared server that ask one request after the other, and take note of each that fails."""

from __future__ import annotations

import http.client
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from faena.server.restart.handed_on import SIGNAL
from tests.people.shared import connected
from tests.several.processes import Process, until

_PATIENCE_S = 180.0
"""For a server to take the place of another one, which is rehearsed first, on a busy machine."""


class Clients:
    """Each never tries twice: what a browser or a library would hide counts as a failure."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url
        self._token = token
        self._over = threading.Event()
        self.answers: Counter[int] = Counter()
        self.failures: list[str] = []
        self.longest = 0.0

    @property
    def asked(self) -> int:
        return sum(self.answers.values())

    @contextmanager
    def asking(self, count: int = 4) -> Iterator[None]:
        """Half of them keep their connection, half connect for each request; half of the requests write."""
        threads = [threading.Thread(target=self._ask, args=(number,)) for number in range(count)]
        for each in threads:
            each.start()
        try:
            yield
        finally:
            self._over.set()
            for each in threads:
                each.join(120)

    def _ask(self, number: int) -> None:
        connection = connected(self._url)
        verb, path = (
            ("GET", "/experiments") if number % 4 < 2 else ("PUT", f"/experiments?name=of-client-{number}")
        )
        shown = {"Authorization": f"Bearer {self._token}", "Content-Length": "0"}
        if number % 2:
            shown["Connection"] = "close"
        while not self._over.is_set():
            began = time.monotonic()
            try:
                connection.request(verb, path, headers=shown)
                answer = connection.getresponse()
                answer.read()
                self.answers[answer.status] += 1
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(f"{verb}: {error!r}")
                connection.close()
            self.longest = max(self.longest, time.monotonic() - began)
        connection.close()


def started(process: Process) -> int:
    """How many servers this process has been."""
    return process.said.count("People sign in at ")


def restart(process: Process) -> None:
    """In its place, until the next one listens."""
    before = started(process)
    process.send(SIGNAL)
    until(lambda: started(process) > before, "the next server listens", _PATIENCE_S)
    assert process.lives
