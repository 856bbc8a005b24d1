"""How a runner gets the guard of a script: from its fork server, or started anew where there is none."""

from __future__ import annotations

import contextlib
import json
import os
import select
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

_ANSWER = 4096
_PATIENCE = 20.0
"""Seconds that a fork may take on a machine that has no time."""


class Started(NamedTuple):
    pid: int
    end: int | None
    """A descriptor that becomes readable when the process ends; None where this system has none."""
    process: subprocess.Popen[bytes] | None
    """Where it is a child of this process, which has to collect it."""


class ForkServerLost(Exception):
    """The fork server died, or does not answer. Whether it has forked is not known."""


class NotWarm(Exception):
    """Why a script that was to be started warm is started cold."""


class ForkServer:
    """The runner's end of it; started when it is first wanted, and again when it died. For one thread.

    `patience`: seconds that a fork may take.
    """

    def __init__(self, patience: float = _PATIENCE) -> None:
        self._patience = patience
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: socket.socket | None = None

    def start(self) -> None:
        """Start it, unless it runs: it loads its modules meanwhile. Raises OSError where there can be none."""
        if self._channel is not None:
            return
        os.close(os.pidfd_open(os.getpid()))  # without it nobody would hear of a guard's end
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            try:
                self._process = _python("fork_server.py", [str(theirs.fileno())], [theirs.fileno()])
            except BaseException:
                ours.close()
                raise
        ours.settimeout(self._patience)
        self._channel = ours

    def fork(self, folder: Path, descriptors: Sequence[int]) -> Started:
        """A guard of the attempt in `folder`, with these descriptors. Raises ForkServerLost, OSError."""
        self.start()
        assert self._channel is not None
        try:
            return ask(self._channel, folder, descriptors)
        except ForkServerLost:
            self.close()
            raise

    @property
    def pid(self) -> int | None:
        """Of the process, while there is one that nobody has missed yet."""
        return self._process.pid if self._process else None

    def close(self) -> None:
        """Let it go; what it has forked lives on."""
        if self._channel is not None:
            self._channel.close()
            self._channel = None
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


def ask(channel: socket.socket, folder: Path, descriptors: Sequence[int]) -> Started:
    """A guard of the attempt in `folder`, from who forks them at the other end. Raises ForkServerLost, OSError."""
    try:
        socket.send_fds(channel, [os.fsencode(folder)], descriptors)
        said, ends, _, _ = socket.recv_fds(channel, _ANSWER, 1, socket.MSG_CMSG_CLOEXEC)
    except (TimeoutError, ConnectionError) as error:
        raise ForkServerLost(str(error)) from error
    if not said:
        raise ForkServerLost("it has ended")
    if said.startswith(b"!"):
        raise OSError(said[1:].decode("utf-8", "replace"))
    return Started(int(said), ends[0], None)


def file_of(value: dict[str, Any]) -> int:
    """A descriptor of a file in memory that holds it as JSON, to be read from its start."""
    descriptor = os.memfd_create("faena-launch")
    try:
        data = memoryview(json.dumps(value).encode())
        while data:
            data = data[os.write(descriptor, data) :]
        os.lseek(descriptor, 0, os.SEEK_SET)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def start_alone(folder: Path, descriptors: Sequence[int]) -> Started:
    """A guard by itself, which loads its modules first. Raises OSError."""
    process = _python("guard.py", [str(folder), *map(str, descriptors)], descriptors)
    end = None
    if hasattr(
        os, "pidfd_open"
    ):  # Linux: Popen.wait with a timeout wakes up a hundred times a second instead
        with contextlib.suppress(OSError):  # a kernel or a sandbox without it
            end = os.pidfd_open(process.pid)
    return Started(process.pid, end, process)


def has_ended(started: Started, timeout: float, sign: int = -1) -> bool:
    """Whether it ends within `timeout` seconds, or until `sign`, a descriptor, can be read."""
    if started.end is not None:
        poll = select.poll()
        poll.register(started.end, select.POLLIN)
        if sign >= 0:
            poll.register(sign, select.POLLIN)
        if started.end not in dict(poll.poll(timeout * 1000)):
            return False
        timeout = _PATIENCE
    if started.process is None:
        return True
    try:
        started.process.wait(timeout)
    except subprocess.TimeoutExpired:
        return False
    return True


def forget(started: Started) -> None:
    """Of a process that is gone."""
    if started.process is not None:
        started.process.wait()
    if started.end is not None:
        os.close(started.end)


def _python(script: str, arguments: list[str], descriptors: Sequence[int]) -> subprocess.Popen[bytes]:
    """One of the files beside this one, without site-packages, in a session of its own."""
    return subprocess.Popen(
        [sys.executable, "-I", "-S", str(Path(__file__).with_name(script)), *arguments],
        stdin=subprocess.DEVNULL,
        pass_fds=descriptors,
        start_new_session=True,
    )
