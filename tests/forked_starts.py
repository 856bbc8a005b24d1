"""Servers, runners, fronts and builders by a fork of a process that has their modules loaded, and the routes of servers
made: that is most of what a start costs.

One such process for each of the tests' own, from when its first server is wanted. `python forked_starts.py LIFE` is its
program; it leaves when the other end of LIFE is closed. It listens, so that servers which it has forked get their
runners from it, too. A message is what `start_module` was given, with the descriptors that the process is to have; the
answer is its id, with a descriptor that tells of its end. To the system, and to who looks at it there, a fork has the
command line and the variables of a start.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
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
import traceback
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO, cast

from faena.kernel import discovery
from faena.testing.command_lines import show

_LONGEST = 1 << 17
"""Bytes of a message: an environment."""
_PATIENCE_S = 60.0
_BUILDER, _SAMPLER = "faena.environments", "faena.sweeps.sample"
_MODULES = ("faena.server", "faena.node", "faena.scoring", _BUILDER)
_LOADED = (
    "anyio._backends._asyncio",
    "litestar._kwargs",
    "litestar.exceptions.responses",
    "litestar.middleware._internal.exceptions.middleware",
    "litestar.middleware.allowed_hosts",
    "litestar.middleware.csrf",
    "litestar.middleware.response_cache",
    "numpy",
    "uvicorn",
    "uvicorn.lifespan.off",
    "faena.server.__main__",
    "faena.server.application",
    "faena.server.lifetime",
    "faena.server.listener.bounds",
    "faena.server.listener.protocol",
    "faena.server.listener.quiet",
    "faena.server.listener.repeats",
    "faena.server.starting",
    "faena.workspaces.identity",
    "faena.compute.routes",
    "faena.data.routes",
    "faena.endpoints.routes",
    "faena.models.live",
    "faena.models.routes",
    "faena.objects.routes",
    "faena.portable.routes",
    "faena.runs.engine.routes",
    "faena.runs.routes",
    "faena.search.routes",
    "faena.sweeps.routes",
    "faena.tidying.routes",
    "faena.node.__main__",
    "faena.node.hints",
    "faena.node.hints.reading",
    "faena.node.hints.world",
    "faena.node.work",
    "faena.scoring.__main__",
    f"{_BUILDER}.__main__",
    _SAMPLER,
)
"""What each of these processes loads, and what most servers are asked for."""


class ForkedStarts:
    """Takes the place of `discovery.start_module` for servers and nodes; everybody else is started as ever."""

    def __init__(self, real: Callable[..., subprocess.Popen[bytes]], address: str = "") -> None:
        """`address`: of who forks, where that is known already."""
        self.real = real
        self.create_real = asyncio.create_subprocess_exec
        self._address = address
        self._lock = threading.Lock()
        self._life: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None

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
        if module not in (_BUILDER, _SAMPLER):
            return await self.create_real(*command, **options)
        arguments = list(command[4:])
        try:
            if module == _BUILDER:
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
        with _connected(address) as connection:
            socket.send_fds(connection, [json.dumps(wanted).encode()], [output, *descriptors])
            pid, received, _, _ = socket.recv_fds(connection, _LONGEST, 1, socket.MSG_CMSG_CLOEXEC)
        return _Forked(int(pid), received[0], address)

    def close(self) -> None:
        """What runs goes on."""
        if self._life is not None and self._process is not None:
            self._life.close()
            self._process.wait(60)

    def _open(self) -> str:
        self._life, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", __file__, str(theirs.fileno())],
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                env={
                    **{name: value for name, value in os.environ.items() if not name.startswith("FAENA_")},
                    "OPENBLAS_NUM_THREADS": "1",  # else NumPy starts some
                },
            )  # it is no process of a test's own
        self._address = self._life.recv(_LONGEST).decode()  # it listens
        return self._address


class _Forked:
    """As much of a Popen as is asked of a process that was started."""

    def __init__(self, pid: int, end: int, address: str) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self.stdin: BinaryIO | None = None
        self._end = end
        self._address = address

    def poll(self) -> int | None:
        if self.returncode is None and select.select([self._end], [], [], 0)[0]:
            self.returncode = self._code()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        if not select.select([self._end], [], [], timeout)[0]:
            raise subprocess.TimeoutExpired("a forked process", timeout or 0.0)
        return cast(int, self.poll())

    def send_signal(self, number: int) -> None:
        signal.pidfd_send_signal(self._end, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    async def ended(self) -> int:
        """As `wait`, in an event loop."""
        loop = asyncio.get_running_loop()
        end = loop.create_future()

        def tell() -> None:
            if not end.done():
                end.set_result(None)

        loop.add_reader(self._end, tell)
        try:
            await end
        finally:
            loop.remove_reader(self._end)
        return cast(int, self.poll())

    def _code(self) -> int:
        try:
            with _connected(self._address) as connection:
                connection.send(str(self.pid).encode())
                return int(connection.recv(_LONGEST))
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


def _connected(address: str) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        connection.settimeout(_PATIENCE_S)
        connection.connect(f"\0{address}")
    except BaseException:
        connection.close()
        raise
    return connection


def _serve(life: socket.socket, listener: socket.socket) -> dict[str, Any] | None:
    """Fork until there is nobody to ask for it: None then, and in a fork what it was asked for."""
    codes: dict[int, int] = {}
    while True:
        ready, _, _ = select.select([life, listener], [], [])
        if life in ready:
            return None
        connection, _ = listener.accept()
        with connection:
            connection.settimeout(_PATIENCE_S)
            try:
                message, descriptors, _, _ = socket.recv_fds(connection, _LONGEST, 8)
                asked = json.loads(message) if message else None
                if isinstance(asked, int):
                    connection.send(str(_code_of(asked, codes)).encode())
                elif asked is not None:
                    if (pid := os.fork()) == 0:
                        for each in (life, listener):
                            each.close()
                        return {**asked, "descriptors": descriptors}
                    end = os.pidfd_open(pid)  # it is not collected before it is asked for: the id is its own
                    descriptors.append(end)
                    socket.send_fds(connection, [str(pid).encode()], [end])
            except OSError as error:
                print(f"somebody who wanted a process has left: {error}", file=sys.stderr, flush=True)
            for descriptor in descriptors:
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
    show([sys.executable, "-P", "-m", asked["module"], *asked["arguments"]], asked["environment"])
    time.tzset()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.argv[1:] = asked["arguments"]


def _main() -> None:
    life = socket.socket(fileno=int(sys.argv[1]))
    life.set_inheritable(False)
    address = f"faena-tests-{os.getpid()}-{os.urandom(8).hex()}"
    starts = ForkedStarts(discovery.start_module, address)
    discovery.start_module = starts.start_module
    for name in _LOADED:
        import_module(name)
    from faena.server import application

    tenant = application.Tenant()
    app = application.app_for(tenant)
    app.make_all()

    def build_app(*given: Any) -> Any:
        """A process has one server."""
        tenant.move_in(*given)
        return app

    application.build_app = cast(Any, build_app)
    if len(list(Path("/proc/self/task").iterdir())) > 1:
        raise RuntimeError("A module starts a thread, which forks would lack.")
    gc.collect()
    gc.freeze()  # what is loaded is shared with the forks for good
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(f"\0{address}")
        listener.listen(128)
        life.send(address.encode())
        asked = _serve(life, listener)
    if asked is not None:
        asyncio.create_subprocess_exec = starts.create_subprocess_exec
        _become(asked)
        module = asked["module"]
        _leave(_status_of(import_module(module if module == _SAMPLER else f"{module}.__main__").main))


def _status_of(main: Callable[[], int | None]) -> int:
    """What the interpreter would make of how this ends."""
    try:
        return main() or 0
    except SystemExit as error:
        if isinstance(error.code, int | None):
            return error.code or 0
        print(error.code, file=sys.stderr)
        return 1
    except BaseException:  # noqa: BLE001  as the interpreter does
        traceback.print_exc()
        return 1


def _leave(status: int) -> None:
    """As the interpreter would, but for taking apart all that is loaded, which no longer would be shared: 0.1 s."""
    threading._shutdown()  # type: ignore[attr-defined]  # waits for threads
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(status)


if __name__ == "__main__":
    _main()
