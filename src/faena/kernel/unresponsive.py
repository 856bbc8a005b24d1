"""Tells who waits for a server that it does not answer, or that its disk is full, within five seconds."""

from __future__ import annotations

import os
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from faena.kernel import disk_space
from faena.kernel.discovery import Rendezvous
from faena.kernel.process_identity import Living

_LOOK = 0.5
_SILENT = 3.5
"""Seconds without a word after which it is told, at the next look."""
_SILENT_ELSEWHERE = 5.0
"""Likewise of a server at a URL, of which nothing else is known."""
_STARTING = 15.0
"""Seconds that a server may take to start, on a busy machine, until it counts as silent."""
_LONG = 30.0
"""Seconds without a word after which it is told how to end the server: before, it may just be busy."""
_REST = 30.0
"""Seconds after which nobody looks any more, until somebody waits again."""


class Silence:
    """Looks on a thread of its own, which lives while somebody waits. `tell`: gets a line for people.

    `rendezvous`: gives the one of now, since a workspace may be moved.
    """

    def __init__(
        self, rendezvous: Callable[[], Rendezvous], tell: Callable[[str], None] | None = None
    ) -> None:
        self._rendezvous = rendezvous
        self._tell = tell or _on_stderr
        self._lock = threading.Lock()
        self._waiting = 0
        self._heard = time.monotonic()
        self._thread: threading.Thread | None = None
        self._told_silence = False
        self._told_last = False
        """Whether it was silent for so long that there is nothing more to tell."""
        self._told_known = ""
        self._told_disk = False

    @contextmanager
    def waiting(self, held: float = 0.0) -> Iterator[None]:
        """Around what waits for an answer. `held`: seconds for which the server was asked to wait with it."""
        with self._lock:
            self._waiting += 1
            due = time.monotonic() + held
            self._heard = due if self._waiting == 1 else min(self._heard, due)
            if (
                self._thread is None or not self._thread.is_alive()
            ):  # a child of a fork has none of its parent's
                self._thread = threading.Thread(target=self._look_forever, name="silence", daemon=True)
                self._thread.start()
        try:
            yield
            self.heard()
        finally:
            with self._lock:
                self._waiting -= 1

    def heard(self) -> None:
        """The server has said something."""
        self._heard = time.monotonic()
        if self._told_silence:
            self._told_silence = self._told_last = False
            self._told_known = ""
            self._tell("The server answers again.")

    def _look_forever(self) -> None:
        idle = time.monotonic()
        while True:
            time.sleep(_LOOK)
            now = time.monotonic()
            if self._waiting:
                idle = now
                self._look(now)
            elif now - idle > _REST:
                with self._lock:
                    if not self._waiting:
                        self._thread = None
                        return

    def _look(self, now: float) -> None:
        folder = self._rendezvous().folder
        if disk_space.is_full(folder):
            if not self._told_disk:
                self._told_disk = True
                self._tell(f"{disk_space.said(folder)} What waits goes on by itself then.")
        elif self._told_disk:
            self._told_disk = False
            self._tell(f"The disk that holds {folder} has room again.")
        self._look_at_server(now - self._heard)

    def _look_at_server(self, silent: float) -> None:
        if silent >= _SILENT and not self._told_silence:
            pid = listener(self._rendezvous())
            if silent < _STARTING and _starts(pid):
                return
            self._told_silence, self._told_last = True, silent >= _LONG
            self._tell_silence(silent, pid)
        elif silent >= _LONG and not self._told_last:
            self._told_last = True
            self._tell_silence(silent, listener(self._rendezvous()))

    def _tell_silence(self, silent: float, pid: int | None) -> None:
        known = _known(self._rendezvous(), silent, pid)
        if known != self._told_known:
            self._told_known = known
            self._tell(
                f"The server of {self._rendezvous().folder} has not answered for {silent:.0f} s: {known}"
            )


class RemoteSilence(Silence):
    """Of a server at a URL. `title`: how errors call it."""

    def __init__(self, title: str, tell: Callable[[str], None] | None = None) -> None:
        super().__init__(_nowhere, tell)
        self._title = title

    def _look(self, now: float) -> None:
        silent = now - self._heard
        if silent >= _SILENT_ELSEWHERE and not self._told_silence:
            self._told_silence = True
            self._tell(
                f"{self._title} has not answered for {silent:.0f} s. What waits goes on by itself when it does; Ctrl-C "
                "ends the waiting, runs go on."
            )


def _nowhere() -> Rendezvous:
    raise NotImplementedError


def _starts(pid: int | None) -> bool:
    """Whether the server may be on its way still: who starts it learns by itself where it cannot."""
    process = None if pid is None else Living.of(pid)
    if pid is None or process is None:
        return True
    age = time.clock_gettime(time.CLOCK_BOOTTIME) - process.started / os.sysconf("SC_CLK_TCK")
    return age < _STARTING and not _is_stopped(pid)


def _known(rendezvous: Rendezvous, seconds: float, pid: int | None) -> str:
    """What is known of who should answer, and what can be done about it."""
    log = log_of(rendezvous, pid)
    if pid is None:
        return f"none listens. {log}. Ctrl-C ends the waiting, runs go on."
    if _is_stopped(pid):
        return f"its process {pid} is stopped. `kill -CONT {pid}` has it go on."
    if seconds < _LONG:
        return f"its process {pid} is busy. {log}."
    return (
        f"its process {pid} is very busy, or hangs. {log}. If that lasts, `kill -9 {pid}` ends it: the next command "
        "starts another one, runs go on."
    )


def log_of(rendezvous: Rendezvous, pid: int | None) -> str:
    """Where the log of a server is, as the beginning of a sentence. One in the foreground has none in the workspace."""
    try:
        stderr = "" if pid is None else os.readlink(f"/proc/{pid}/fd/2")  # noqa: PTH115  it may be no path
    except OSError:  # another user's, or no Linux
        stderr = ""
    if not stderr or stderr == str(rendezvous.log.resolve()):
        return f"Its log is {rendezvous.log}"
    if stderr.startswith("/dev/") or not Path(stderr).is_file():
        return "Its log is where `faena server run` was started"
    return f"Its log is {stderr}"


def listener(rendezvous: Rendezvous) -> int | None:
    """The process that listens, also where it accepts nobody."""
    if not hasattr(socket, "SO_PEERCRED"):  # not Linux
        return None
    try:
        with rendezvous.connect(0.2) as connection:
            found = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    except OSError:
        return None
    return int(struct.unpack("3i", found)[0])


def _is_stopped(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0] in (b"T", b"t")
    except (OSError, IndexError):
        return False


def _on_stderr(line: str) -> None:
    try:
        sys.stderr.write(f"faena: {line}\n")
        sys.stderr.flush()
    except (OSError, ValueError, AttributeError):  # closed, full, or none
        return
