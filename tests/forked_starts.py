"""Servers, runners, fronts, builders and samplers by a fork of a process that has their modules loaded, and the routes
of servers made: that is most of what a start costs.

That process is tests/fork_server.py: one for all processes of the tests, from when the first server is wanted until
the last of them ends. To the system, and to who looks at it there, a fork has the command line and the variables of a
start.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, cast

from faena.kernel import discovery

LONGEST = 1 << 17
"""Bytes of a message: an environment."""
PATIENCE_S = 60.0
STAY = "stay"
"""The message of who will ask again: as long as its connection lasts, there is somebody to ask for."""
BUILDER, SAMPLER = "faena.environments", "faena.sweeps.sample"
_MODULES = ("faena.server", "faena.node", "faena.scoring", BUILDER)


class ForkedStarts:
    """Takes the place of `discovery.start_module` for servers and nodes; everybody else is started as ever."""

    def __init__(
        self, real: Callable[..., subprocess.Popen[bytes]], place: Path | None = None, address: str = ""
    ) -> None:
        """`address`: of who forks, where that is known already; else it stands in the file `place`, or is started."""
        self.real = real
        self.create_real = asyncio.create_subprocess_exec
        self._address = address
        self._place = place
        self._lock = threading.Lock()
        self._life: socket.socket | None = None

    def start_module(
        self,
        module: str,
        arguments: list[str],
        *,
        log: Path,
        pass_fds: tuple[int, ...] = (),
        stdin: int = subprocess.DEVNULL,
    ) -> subprocess.Popen[bytes]:
        if module not in _MODULES or "FAENA_PYTHON" in os.environ:
            return self.real(module, arguments, log=log, pass_fds=pass_fds, stdin=stdin)
        theirs, ours = os.pipe() if stdin == subprocess.PIPE else (None, None)
        numbers, descriptors = (
            (pass_fds, pass_fds) if theirs is None else ((*pass_fds, 0), (*pass_fds, theirs))
        )
        variables = discovery.child_environment()
        try:
            with log.open("ab") as output:
                forked = self._fork(module, arguments, variables, output.fileno(), numbers, descriptors)
        except OSError:  # the tests have ended, or this is a network of its own
            if ours is not None:
                os.close(ours)
            return self.real(module, arguments, log=log, pass_fds=pass_fds, stdin=stdin)
        finally:
            if theirs is not None:
                os.close(theirs)
        if ours is not None:
            forked.stdin = os.fdopen(ours, "wb")
        return cast("subprocess.Popen[bytes]", forked)

    async def create_subprocess_exec(self, *command: Any, **options: Any) -> Any:
        """Takes the place of asyncio's, for builders and samplers."""
        module = command[3] if command[:3] == (sys.executable, "-P", "-m") else ""
        if module not in (BUILDER, SAMPLER):
            return await self.create_real(*command, **options)
        arguments = list(command[4:])
        try:
            if module == BUILDER:
                with Path(os.devnull).open("ab") as nothing:
                    return _Awaited(self._fork(module, arguments, options["env"], nothing.fileno()))
            (asked, asks), (answered, answers) = os.pipe(), os.pipe()
            try:
                forked = self._fork(
                    module, arguments, options["env"], options["stderr"].fileno(), (0, 1), (asked, answers)
                )
            finally:
                os.close(asked)
                os.close(answers)
        except OSError:
            return await self.create_real(*command, **options)
        return await _Conversing.with_pipes(forked, asks, answered)

    def _fork(
        self,
        module: str,
        arguments: list[str],
        environment: dict[str, str],
        output: int,
        passed: tuple[int, ...] = (),
        descriptors: tuple[int, ...] = (),
    ) -> _Forked:
        """It has `descriptors` by the numbers `passed`. Raises OSError where there is nobody to do it."""
        wanted: dict[str, object] = {"module": module, "arguments": arguments, "environment": environment}
        wanted["passed"] = passed
        with self._lock:
            address = self._address or self._open()
        with connected(address) as connection:
            socket.send_fds(connection, [json.dumps(wanted).encode()], [output, *descriptors])
            pid, received, _, _ = socket.recv_fds(connection, LONGEST, 1, socket.MSG_CMSG_CLOEXEC)
        return _Forked(int(pid), received[0], address)

    def close(self) -> None:
        """What runs goes on."""
        if self._life is not None:
            self._life.close()

    def _open(self) -> str:
        """Where the process listens that other tests have started, or that is started now."""
        assert self._place is not None
        with self._place.open("a+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            self._address = file.read()
            with contextlib.suppress(OSError):
                self._life = self._joined() if self._address else None
            if self._life is None:
                self._address = self._started()
                file.truncate(0)
                file.write(self._address)
        return self._address

    def _joined(self) -> socket.socket:
        """Raises OSError where it has left."""
        connection = connected(self._address)
        connection.send(json.dumps(STAY).encode())
        if not connection.recv(LONGEST):
            connection.close()
            raise ConnectionResetError
        return connection

    def _started(self) -> str:
        self._life, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            discovery._Outliving(
                [sys.executable, "-P", str(Path(__file__).with_name("fork_server.py")), str(theirs.fileno())],
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                env={
                    **{name: value for name, value in os.environ.items() if not name.startswith("FAENA_")},
                    "OPENBLAS_NUM_THREADS": "1",  # else NumPy starts some
                },
            )  # it is no process of a test's own
        return self._life.recv(LONGEST).decode()  # it listens


class _Forked:
    """As much of a Popen as is asked of a process that was started."""

    def __init__(self, pid: int, end: int, address: str) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self.stdin: BinaryIO | None = None
        self._end = end
        self._address = address
        self._told: asyncio.Future[None] | None = None

    def poll(self) -> int | None:
        if self.returncode is None and self._has_ended(0.0):
            self.returncode = self._code()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        if not self._has_ended(timeout):
            raise subprocess.TimeoutExpired("a forked process", timeout or 0.0)
        return cast(int, self.poll())

    def _has_ended(self, timeout: float | None) -> bool:
        poll = select.poll()
        poll.register(self._end, select.POLLIN)
        return bool(poll.poll(None if timeout is None else timeout * 1000))

    def send_signal(self, number: int) -> None:
        signal.pidfd_send_signal(self._end, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    async def ended(self) -> int:
        """As `wait`, in an event loop. Any number may wait: the loop tells one of a descriptor."""
        if self._told is None:
            loop = asyncio.get_running_loop()
            self._told = loop.create_future()
            loop.add_reader(self._end, self._tell, loop)
        await asyncio.shield(self._told)
        return cast(int, self.poll())

    def _tell(self, loop: asyncio.AbstractEventLoop) -> None:
        loop.remove_reader(self._end)
        if self._told is not None and not self._told.done():
            self._told.set_result(None)

    def _code(self) -> int:
        try:
            with connected(self._address) as connection:
                connection.send(str(self.pid).encode())
                return int(connection.recv(LONGEST))
        except OSError:
            return -1  # with who forked it the tests have ended: nobody knows

    def __del__(self) -> None:
        os.close(self._end)


class _Awaited:
    """As much of asyncio's process as is asked of a builder."""

    def __init__(self, forked: _Forked) -> None:
        self.forked = forked

    async def wait(self) -> int:
        return await self.forked.ended()


class _Conversing(_Awaited):
    """As much of it as is asked of a sampler."""

    stdin: asyncio.StreamWriter
    stdout: asyncio.StreamReader
    reading: asyncio.ReadTransport

    @classmethod
    async def with_pipes(cls, forked: _Forked, asks: int, answered: int) -> _Conversing:
        made, loop = cls(forked), asyncio.get_running_loop()
        made.stdout = asyncio.StreamReader()
        made.reading, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(made.stdout), os.fdopen(answered, "rb", 0)
        )
        writing, protocol = await loop.connect_write_pipe(
            asyncio.streams.FlowControlMixin, os.fdopen(asks, "wb", 0)
        )
        made.stdin = asyncio.StreamWriter(writing, protocol, None, loop)
        return made

    @property
    def pid(self) -> int:
        return self.forked.pid

    @property
    def returncode(self) -> int | None:
        return self.forked.poll()

    def kill(self) -> None:
        self.forked.kill()

    async def wait(self) -> int:
        code = await super().wait()
        self.reading.close()
        return code


def connected(address: str) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        connection.settimeout(PATIENCE_S)
        connection.connect(f"\0{address}")
    except BaseException:
        connection.close()
        raise
    return connection
