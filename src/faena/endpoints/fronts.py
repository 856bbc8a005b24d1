"""The processes that answer, one an endpoint: started when they are missing, told when something has changed.

Standard library only: on other machines it is runners who do so.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress

from faena.endpoints.front_folder import FrontFolder
from faena.kernel.discovery import start_module
from faena.kernel.installation import installed, replaces

_FIRST_REST, _LONGEST_REST = 0.1, 30.0
"""Seconds before a front that died is started anew; they double each time, and begin anew when one has lasted."""
_COMPARED_EVERY = 60.0
"""Seconds between looks at whether what a front runs is what is installed, and between tries to replace it."""
LASTED = 5.0
"""Seconds after which one that dies is started again at once."""


class Fronts:
    """One for a server, or a runner. May block for milliseconds; called by one thread at a time."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._waiting: dict[str, subprocess.Popen[bytes]] = {}
        """They have loaded what they need, and wait until it is there what they are to be."""
        self._started: dict[str, tuple[subprocess.Popen[bytes], float]] = {}
        self._rests: dict[str, float] = {}
        self._compared: dict[str, float] = {}

    def prepare(self, folder: FrontFolder) -> None:
        """Have one load what it needs, where there is none, while its first revision is prepared. Raises OSError."""
        name = folder.path.name
        if name not in self._waiting and name not in self._started and not folder.has_front:
            self._waiting[name] = start_module(
                "faena.scoring",
                [str(folder.path), "--wait"],
                log=folder.logs / "front.log",
                stdin=subprocess.PIPE,
            )

    def dismiss(self, name: str) -> None:
        """Have one that waits leave."""
        waiting = self._waiting.pop(name, None)
        if waiting is not None and waiting.stdin is not None:
            waiting.stdin.close()

    def tend(self, folder: FrontFolder) -> float:
        """See that there is one, of what is installed. Seconds until it may be tried again; 0 while one runs. Raises
        OSError."""
        name = folder.path.name
        if folder.has_front:
            self.dismiss(name)
            self._renew(folder)
            return 0.0
        child, at = self._started.get(name, (None, 0.0))
        if child is not None and child.poll() is None:
            return 0.0  # it has not taken the lock yet
        now = self._monotonic()
        rest = self._rests.get(name, 0.0)
        if child is not None and now - at > LASTED:
            rest = 0.0
        if (left := at + rest - now) > 0:
            return left
        self._rests[name] = min(max(_FIRST_REST, 2 * rest), _LONGEST_REST)
        started = self._begun(name) or start_module(
            "faena.scoring", [str(folder.path)], log=folder.logs / "front.log"
        )
        self._started[name] = (started, now)
        return 0.0

    def _begun(self, name: str) -> subprocess.Popen[bytes] | None:
        """The one that has waited, which begins; None where there is none, or it has died."""
        waiting = self._waiting.pop(name, None)
        if waiting is None or waiting.stdin is None:
            return None
        try:
            with waiting.stdin as told:
                told.write(b"\n")
        except BrokenPipeError:
            return None
        return waiting

    def _renew(self, folder: FrontFolder) -> None:
        """Where Faena was installed anew, have a new front take over from one that answers: it loses no request."""
        name, now = folder.path.name, self._monotonic()
        if now < self._compared.get(name, now):
            return
        self._compared[name] = now + _COMPARED_EVERY
        said = folder.told()
        if said is None or said.get("pid") != folder.front_pid() or said.get("state") != "Healthy":
            return
        if not replaces(installed(), str(said.get("installation", ""))):
            return
        started = start_module(
            "faena.scoring", [str(folder.path), "--replace"], log=folder.logs / "front.log"
        )
        self._started[name] = (started, now)

    def tell(self, folder: FrontFolder) -> None:
        """What it is to be has changed."""
        self._signal(folder, signal.SIGHUP)

    def end(self, folder: FrontFolder) -> None:
        """It answers what it was asked already, and leaves."""
        self._signal(folder, signal.SIGTERM)

    def forget(self, name: str) -> None:
        self.dismiss(name)
        child, _ = self._started.pop(name, (None, 0.0))
        self._rests.pop(name, None)
        self._compared.pop(name, None)
        if child is not None:
            child.poll()

    def _signal(self, folder: FrontFolder, number: signal.Signals) -> None:
        pid = folder.front_pid()
        if pid is not None:
            with suppress(ProcessLookupError):
                os.kill(pid, number)
