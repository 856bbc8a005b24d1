"""The children of a launcher: started so that they die with it, waited for all together."""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence

_PR_SET_PDEATHSIG = 1
_STOPPING = (signal.SIGTERM, signal.SIGINT)

_libc = ctypes.CDLL(None, use_errno=True)


def die_with_parent() -> None:
    if sys.platform == "linux":
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


class Children:
    """For the main thread: the kernel ends a child when the thread that started it is gone."""

    def __init__(self) -> None:
        self.is_stopping = False
        """Somebody, who has told all processes below, wants them to end."""
        self._living: set[int] = set()
        self._started: list[subprocess.Popen[bytes]] = []
        """Kept: one that is forgotten is waited for by whoever starts the next."""
        self._wake_read, wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for number in _STOPPING:
            signal.signal(number, self._stop)

    def _stop(self, *_: object) -> None:
        self.is_stopping = True

    def start(
        self,
        argv: Sequence[str],
        variables: Mapping[str, str],
        output: int,
        *,
        deaf: bool = False,
    ) -> subprocess.Popen[bytes]:
        """In a process group of its own. `deaf`: it hears of no wish to end, which its children have heard, too.

        Raises OSError.
        """

        def before() -> None:
            die_with_parent()
            if deaf:
                signal.pthread_sigmask(signal.SIG_BLOCK, _STOPPING)

        started = subprocess.Popen(
            list(argv),
            env=dict(variables),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT if output == subprocess.PIPE else output,
            preexec_fn=before,
            process_group=0,
        )
        self._living.add(started.pid)
        self._started.append(started)
        return started

    def wait(self, seconds: float | None = None) -> dict[int, int]:
        """Of those that have ended by now, the wait statuses; empty after so many seconds, or when told to stop."""
        until = None if seconds is None else time.monotonic() + seconds
        stopping = self.is_stopping
        while True:
            ended = self._collected()
            left = None if until is None else until - time.monotonic()
            if ended or not self._living or self.is_stopping != stopping or (left is not None and left <= 0):
                return ended
            select.select([self._wake_read], [], [], left)
            self._drain()

    def wait_to_be_stopped(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not self.is_stopping and (left := until - time.monotonic()) > 0:
            select.select([self._wake_read], [], [], left)
            self._drain()

    def _collected(self) -> dict[int, int]:
        found = {}
        for pid in list(self._living):
            done, status = os.waitpid(pid, os.WNOHANG)
            if done:
                found[pid] = status
                self._living.discard(pid)
        return found

    def _drain(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while os.read(self._wake_read, 4096):
                pass

    def signal(self, number: int) -> None:
        """Each of them that lives, with its group."""
        for pid in self._living:
            try:
                os.killpg(pid, number)
            except ProcessLookupError:
                continue

    @property
    def are_left(self) -> bool:
        return bool(self._living)


def end_as(status: int) -> None:
    """Leave as a child with this wait status did."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        if number not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(number, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, (number,))
        os.kill(os.getpid(), number)
    os._exit(os.WEXITSTATUS(status))
