"""Servers and runners by a fork of a process that has their modules loaded: to load them is most of what a start costs.

One such process for each of the tests' own, from when its first server is wanted. `python forked_starts.py LIFE` is its
program; it leaves when the other end of LIFE is closed. It listens, so that servers which it has forked get their
runners from it, too. A message is what `start_module` was given, with the descriptors that the process is to have; the
answer is its id, with a descriptor that tells of its end. To the system, and to who looks at it there, a fork has the
command line and the variables of a start.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
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
from typing import Any, cast

from faena.kernel import discovery

_LONGEST = 1 << 17
"""Bytes of a message: an environment."""
_PATIENCE_S = 60.0
_MODULES = ("faena.server", "faena.node")
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
    "faena.server.app",
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
)
"""What each server and node loads, and what most are asked for."""
_SET_MM, _SET_MM_MAP = 35, 14
_NO_FILE = 0xFFFFFFFF


class ForkedStarts:
    """Takes the place of `discovery.start_module` for servers and nodes; everybody else is started as ever."""

    def __init__(self, real: Callable[..., subprocess.Popen[bytes]], address: str = "") -> None:
        """`address`: of who forks, where that is known already."""
        self.real = real
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
        wanted: dict[str, object] = {"module": module, "arguments": arguments, "passed": pass_fds}
        wanted["environment"] = discovery.child_environment()
        with self._lock:
            address = self._address or self._open()
        try:
            connection = _connected(address)
        except OSError:  # the tests have ended, or this is a network of its own
            return self.real(module, arguments, log=log, pass_fds=pass_fds)
        with connection, log.open("ab") as output:
            socket.send_fds(connection, [json.dumps(wanted).encode()], [output.fileno(), *pass_fds])
            pid, descriptors, _, _ = socket.recv_fds(connection, _LONGEST, 1, socket.MSG_CMSG_CLOEXEC)
        return cast("subprocess.Popen[bytes]", _Forked(int(pid), descriptors[0], address))

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

    def _code(self) -> int:
        try:
            with _connected(self._address) as connection:
                connection.send(str(self.pid).encode())
                return int(connection.recv(_LONGEST))
        except OSError:
            return -1  # with who forked it the tests have ended: nobody knows

    def __del__(self) -> None:
        os.close(self._end)


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
    _show([sys.executable, "-P", "-m", asked["module"], *asked["arguments"]], asked["environment"])
    time.tzset()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.argv[1:] = asked["arguments"]


class _Map(ctypes.Structure):
    """Where the system finds what a process consists of: `struct prctl_mm_map`."""

    _fields_ = [
        *(
            (name, ctypes.c_uint64)
            for name in ("start_code", "end_code", "start_data", "end_data", "start_brk")
        ),
        *((name, ctypes.c_uint64) for name in ("brk", "start_stack", "arg_start", "arg_end")),
        *((name, ctypes.c_uint64) for name in ("env_start", "env_end", "auxv")),
        ("auxv_size", ctypes.c_uint32),
        ("exe_fd", ctypes.c_uint32),
    ]


_shown: Any = None
"""What the system reads as long as this process lives."""


def _show(words: list[str], variables: dict[str, str]) -> None:
    """Have this command line and these variables in /proc, by which others know a process. Raises OSError."""
    global _shown
    command = b"".join(os.fsencode(word) + b"\0" for word in words)
    environment = b"".join(os.fsencode(f"{name}={value}") + b"\0" for name, value in variables.items())
    _shown = ctypes.create_string_buffer(command + environment, len(command) + len(environment))
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    start_code, end_code, start_stack = (int(fields[number - 3]) for number in (26, 27, 28))
    start_data, end_data, start_brk = (int(fields[number - 3]) for number in (45, 46, 47))
    library = ctypes.CDLL(None, use_errno=True)
    library.sbrk.restype = ctypes.c_void_p
    first = ctypes.addressof(_shown)
    middle, last = first + len(command), first + len(command) + len(environment)
    made = _Map(start_code, end_code, start_data, end_data, start_brk, library.sbrk(0), start_stack)
    made.arg_start, made.arg_end, made.env_start, made.env_end = first, middle, middle, last
    made.exe_fd = _NO_FILE
    if library.prctl(_SET_MM, _SET_MM_MAP, ctypes.byref(made), ctypes.sizeof(made), 0):
        error = ctypes.get_errno()
        raise OSError(error, f"the command line of a process: {os.strerror(error)}")


def _main() -> None:
    life = socket.socket(fileno=int(sys.argv[1]))
    life.set_inheritable(False)
    address = f"faena-tests-{os.getpid()}-{os.urandom(8).hex()}"
    discovery.start_module = ForkedStarts(discovery.start_module, address).start_module
    for name in _LOADED:
        import_module(name)
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
        _become(asked)
        _leave(_status_of(import_module(f"{asked['module']}.__main__").main))


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
