"""The server of a workspace folder on this host: met at a Unix socket, followed where the folder is moved, started."""

from __future__ import annotations

import threading
import time
from http.client import HTTPConnection
from pathlib import Path

from faena.kernel.connections import Connections
from faena.kernel.discovery import Rendezvous
from faena.kernel.errors import FaenaError, ServerUnreachable, WorkspaceException
from faena.kernel.moved_folders import Whereabouts
from faena.kernel.startup_errors import REFUSED, ServerStart

_BETWEEN_STARTS = 2.0
_ELECTED = 0.25
"""The same after one that was not needed."""
_LONGEST_BETWEEN_STARTS = 30.0
_UNEXPLAINED = 2
"""Servers that end without a word, one after the other, until that counts as an answer."""


class _Connection(HTTPConnection):
    def __init__(self, rendezvous: Rendezvous, seconds: float) -> None:
        super().__init__("localhost")
        self._rendezvous = rendezvous
        self._seconds = seconds

    def connect(self) -> None:
        self.sock = self._rendezvous.connect(self._seconds)


class LocalServer:
    """`start`: whether a missing server is started. `persevering`: also one that cannot start is tried again."""

    prefix = ""
    has_answered = False  # one that is gone is started anew from here

    def __init__(self, folder: Path, *, start: bool = True, persevering: bool = False) -> None:
        self._given = folder
        self._whereabouts = Whereabouts(folder)
        self.rendezvous = Rendezvous(folder)
        self.headers: dict[str, str] = {}
        self._start = start
        self._persevering = persevering
        self._connections = _to(self.rendezvous)
        self._lock = threading.Lock()
        self._starting: ServerStart | None = None
        self._started_at = -_BETWEEN_STARTS
        self._refusals = 0
        self._refusal: FaenaError | None = None
        """Why no server could start, when it was tried last."""

    @property
    def title(self) -> str:
        return f"The server of workspace {self.rendezvous.folder}"

    @property
    def advice(self) -> str:
        return f"Its log is {self.rendezvous.log}."

    def connections(self) -> Connections:
        """To where the workspace is now. Raises WorkspaceException where it was removed."""
        now = self._whereabouts.now()
        if now is None:
            raise WorkspaceException(
                f"The workspace is not in {self.rendezvous.folder.parent} any more: it was removed, or replaced by "
                "another one. Open the one that is wanted."
            )
        if now != self.rendezvous.folder:
            self._connections.close()
            self.rendezvous, self._connections = Rendezvous(now), _to(Rendezvous(now))
            self._forget_start()
            self._started_at = -_BETWEEN_STARTS
        return self._connections

    def locate(self, path: Path) -> Path:
        """Where a path of the workspace's folder is now, that was moved since; where it was, if it was removed."""
        now = self._whereabouts.now()
        if now is None or now == self._given or not path.is_relative_to(self._given):
            return path
        return now / path.relative_to(self._given)

    def answered(self) -> None:
        if self._starting is not None or self._refusals:
            self._forget_start()

    def leaving(self) -> None:
        """A server that was here is on its way out: the next one need not wait for anything."""
        self._connections.close()
        self._connections = _to(self.rendezvous)  # no further request goes to it
        self._started_at = -_BETWEEN_STARTS

    def absent(self, *, start: bool | None) -> None:
        """Nobody listens: start a server unless one is on its way. Raises what the one before said that could not."""
        if not (self._start if start is None else start):
            return
        with self._lock:
            if self._starting is not None:
                if (code := self._starting.ended()) is None:
                    return
                self._ended(self._starting, code)
            pause = min(_BETWEEN_STARTS * 2**self._refusals, _LONGEST_BETWEEN_STARTS)
            if time.monotonic() - self._started_at < pause:
                return
            self._started_at = time.monotonic()
            self._starting = self.rendezvous.start_server()

    def unreachable(self, failure: Exception) -> FaenaError:
        """What is said when patience has ended."""
        return self._refusal or ServerUnreachable(f"{self.title} does not answer ({failure}). {self.advice}")

    def close(self) -> None:
        self._connections.close()

    def _ended(self, start: ServerStart, code: int) -> None:
        self._starting = None
        try:
            if code == 0:  # another one was elected, or is about to leave
                self._started_at -= _BETWEEN_STARTS - _ELECTED
            if code <= 0:  # or somebody killed it: it may be tried again
                return
            self._refusals += 1
            if code != REFUSED and self._refusals < _UNEXPLAINED:
                return
            self._refusal = start.reason()
        finally:
            start.close()
        if not self._persevering:
            raise self._refusal

    def _forget_start(self) -> None:
        with self._lock:
            if self._starting is not None:
                self._starting.close()
            self._starting, self._refusal, self._refusals = None, None, 0


def _to(rendezvous: Rendezvous) -> Connections:
    return Connections(lambda seconds: _Connection(rendezvous, seconds))
