"""Servers by a fork of a process that has their modules loaded: to load them is most of what a start costs.

One such process for each of the tests' own, from when its first server is wanted. `python forked_servers.py CHANNEL` is
its program: a message is what `start_module` was given, with the descriptors that the server is to have; the answer is
the server's process id, with a descriptor that tells of its end.
"""

from __future__ import annotations

import gc
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, cast

_LONGEST = 1 << 17
"""Bytes of a message: an environment."""
_MODULE = "faena.server"
_LOADED = (
    "uvicorn",
    "faena.server.app",
    "faena.server.lifetime",
    "faena.server.listener.bounds",
    "faena.server.listener.protocol",
    "faena.server.listener.quiet",
    "faena.server.listener.repeats",
    "faena.workspaces.identity",
    "faena.data.routes",
    "faena.runs.routes",
    "faena.runs.engine.routes",
    "faena.portable.routes",
)
"""What each server loads, and what most are asked for. Nothing that starts threads: a fork would lack them."""


class ForkedServers:
    """Takes the place of `discovery.start_module` for servers; everybody else is started as ever."""

    def __init__(self, real: Callable[..., subprocess.Popen[bytes]]) -> None:
        self.real = real
        self._lock = threading.Lock()
        self._channel: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def start_module(
        self, module: str, arguments: list[str], *, log: Path, pass_fds: tuple[int, ...] = ()
    ) -> subprocess.Popen[bytes]:
        from faena.kernel.discovery import child_environment

        if module != _MODULE or "FAENA_PYTHON" in os.environ:
            return self.real(module, arguments, log=log, pass_fds=pass_fds)
        wanted = {"arguments": arguments, "environment": child_environment(), "passed": pass_fds}
        with log.open("ab") as output, self._lock:
            channel = self._channel or self._open()
            socket.send_fds(channel, [json.dumps(wanted).encode()], [output.fileno(), *pass_fds])
            pid, descriptors, _, _ = socket.recv_fds(channel, _LONGEST, 1)
        return cast("subprocess.Popen[bytes]", _Forked(int(pid), descriptors[0], self._code))

    def close(self) -> None:
        """Servers that run go on."""
        if self._channel is not None and self._process is not None:
            self._channel.close()
            self._process.wait(60)

    def _open(self) -> socket.socket:
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", __file__, str(theirs.fileno())],
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        return self._channel

    def _code(self, pid: int) -> int:
        """What a server that has ended ended with."""
        with self._lock:
            assert self._channel is not None
            self._channel.send(str(pid).encode())
            return int(self._channel.recv(_LONGEST))


class _Forked:
    """As much of a Popen as is asked of a server that was started."""

    def __init__(self, pid: int, end: int, code: Callable[[int], int]) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._end = end
        self._code = code

    def poll(self) -> int | None:
        if self.returncode is None and select.select([self._end], [], [], 0)[0]:
            self.returncode = self._code(self.pid)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        if not select.select([self._end], [], [], timeout)[0]:
            raise subprocess.TimeoutExpired("a forked server", timeout or 0.0)
        return cast(int, self.poll())

    def __del__(self) -> None:
        os.close(self._end)


def _serve(channel: socket.socket) -> dict[str, Any] | None:
    """Fork until there is nobody to ask for it: None then, and in a fork what it was asked for."""
    codes: dict[int, int] = {}
    while True:
        try:
            message, descriptors, _, _ = socket.recv_fds(channel, _LONGEST, 8)
        except ConnectionError:
            return None
        if not message:
            return None
        asked = json.loads(message)
        if isinstance(asked, int):
            channel.send(str(_code_of(asked, codes)).encode())
            continue
        if (pid := os.fork()) == 0:
            channel.close()
            return {**asked, "descriptors": descriptors}
        end = os.pidfd_open(pid)  # it is not collected before it is asked for: the id is still its own
        socket.send_fds(channel, [str(pid).encode()], [end])
        for descriptor in (end, *descriptors):
            os.close(descriptor)


def _code_of(pid: int, codes: dict[int, int]) -> int:
    if pid not in codes:
        codes[pid] = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return codes[pid]


def _become(asked: dict[str, Any]) -> None:
    """In the fork: have what a process of its own would begin with."""
    os.setsid()
    os.chdir("/")
    output, *passed = asked["descriptors"]
    for standard in (1, 2):
        os.dup2(output, standard)
    os.close(output)
    for descriptor, number in zip(passed, asked["passed"], strict=True):
        if descriptor != number:
            os.dup2(descriptor, number)
            os.close(descriptor)
    os.environ.clear()
    os.environ.update(asked["environment"])
    time.tzset()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.argv[1:] = asked["arguments"]


if __name__ == "__main__":
    _channel = socket.socket(fileno=int(sys.argv[1]))
    _channel.set_inheritable(False)
    from faena.server import __main__ as server

    for _name in _LOADED:
        import_module(_name)
    gc.collect()
    gc.freeze()  # what is loaded is shared with the servers for good
    if (_asked := _serve(_channel)) is not None:
        _become(_asked)
        server.main()
