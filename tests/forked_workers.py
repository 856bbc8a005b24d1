"""xdist's workers as forks of one process that has collected the tests: for each to do so is a tenth of what all cost.

That process is a worker up to the end of its collection. Then it waits for pipes, which xdist would have given to a
process that it starts; a fork has them as its own, and goes on as a worker does. Where it cannot be had, because the
collection has failed or for whatever reason, xdist starts its own.
"""

from __future__ import annotations

import atexit
import contextlib
import inspect
import json
import os
import queue
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
_LONGEST = 1 << 17
"""Bytes of a message: the arguments of pytest, and sys.path."""
_START = "import sys; sys.path.insert(0, sys.argv[2]); from tests.forked_workers import main; main(int(sys.argv[1]))"


_EXECUTED = """
import sys
if "tests.forked_workers" in sys.modules:
    sys.modules["tests.forked_workers"].hand_over(channel)
else:
    exec(compile({source!r}, {path!r}, "exec"), globals())
"""
"""What xdist is to send to a worker, which is a fork or not: then it is xdist's own, with nothing of it loaded yet."""
_QUIET = {"OPENBLAS_NUM_THREADS": "1", "JE_ARROW_MALLOC_CONF": "background_thread:false"}
"""With which NumPy and Arrow start no threads when they are loaded."""


class Workers:
    """In the controller: takes the place of how execnet starts a process."""

    def __init__(self, config: pytest.Config) -> None:
        from xdist import workermanage  # type: ignore[import-untyped]  # it says none

        self._life, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._collecting = subprocess.Popen(
                [sys.executable, "-u", "-c", _START, str(theirs.fileno()), str(ROOT)],
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )
        arguments = [str(each) for each in config.invocation_params.args]
        with contextlib.suppress(OSError):  # then there will be nobody to fork
            self._life.send(json.dumps({"arguments": arguments, "path": workermanage._sys_path}).encode())

    def fork(self) -> tuple[int, int, int]:
        """A new worker: descriptors of its input, of its output, and of its end.

        Raises OSError where there is nobody to fork.
        """
        (read, write), (answered, answers) = os.pipe(), os.pipe()
        try:
            socket.send_fds(self._life, [b"1"], [read, answers])
            told, received, _, _ = socket.recv_fds(self._life, 1, 1, socket.MSG_CMSG_CLOEXEC)
            if not told:
                raise ConnectionResetError("The process that collects has left.")
        except OSError:
            os.close(write)
            os.close(answered)
            raise
        finally:
            os.close(read)
            os.close(answers)
        return write, answered, received[0]

    def close(self) -> None:
        self._life.close()
        self._collecting.wait()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(config: pytest.Config, specs: list[Any]) -> None:
    """A hook for a conftest.py to have, as the next one."""
    if all(spec.popen and not (spec.python or spec.chdir or spec.env) for spec in specs):
        stack = contextlib.ExitStack()
        stack.enter_context(_forking(config))
        config.add_cleanup(stack.close)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_getremotemodule() -> str:
    from xdist import remote

    return _EXECUTED.format(source=inspect.getsource(remote), path=remote.__file__)


@contextlib.contextmanager
def _forking(config: pytest.Config) -> Iterator[None]:
    """While it lasts, what execnet is to start is forked."""
    from execnet import gateway_base, gateway_io

    class Forked(gateway_base.Popen2IO):
        """As much of execnet's own as is asked of it."""

        def __init__(self, execmodel: Any) -> None:
            write, answered, self._end = workers.fork()
            super().__init__(os.fdopen(write, "wb"), os.fdopen(answered, "rb"), execmodel)

        def wait(self) -> None:
            select.select([self._end], [], [])

        def kill(self) -> None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._end, signal.SIGKILL)

    def create_io(spec: Any, execmodel: Any) -> Any:
        with contextlib.suppress(OSError):
            return Forked(execmodel)
        return real(spec, execmodel)

    real = gateway_io.create_io
    workers = Workers(config)
    gateway_io.create_io = create_io
    try:
        yield
    finally:
        gateway_io.create_io = real
        workers.close()


class _Here:
    """A plugin of the process that collects; in a fork it hands pytest the channel to who distributes the tests."""

    def __init__(self, life: socket.socket) -> None:
        self._life = life

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            os._exit(1)  # a process of xdist's own tells of it

    def pytest_internalerror(self) -> None:
        os._exit(1)

    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        from xdist import remote

        remote.WorkerInteractor.pytest_collection_modifyitems(
            None, config, items
        )  # it writes their groups down

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        given = self._serve()
        return bool(_interact(session, *given))

    def _serve(self) -> list[int]:
        """Fork for as long as somebody may ask for it; what is returned to a fork is its input and its output."""
        if len(list(Path("/proc/self/task").iterdir())) > 1:
            print("workers are no forks: a module has started a thread", file=sys.stderr, flush=True)
            os._exit(1)  # forks would lack it
        while True:
            message, descriptors, _, _ = socket.recv_fds(self._life, 1, 2)
            if not message:
                os._exit(0)
            if (pid := os.fork()) == 0:
                self._life.close()
                return descriptors
            end = os.pidfd_open(pid)  # nobody collects it: the id is its own
            socket.send_fds(self._life, [b"1"], [end])
            for each in (end, *descriptors):
                os.close(each)


def main(life: int) -> None:
    """What xdist's own module does in a process that it has started, but for the channel."""
    from _pytest.config import _prepareconfig

    connection = socket.socket(fileno=life)
    connection.set_inheritable(False)
    given = json.loads(connection.recv(_LONGEST))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.argv[1:] = []
    sys.path[:] = given["path"]
    config: Any = _prepareconfig(given["arguments"])
    from xdist import remote  # what pytest is to rewrite is loaded by nobody before

    remote.setup_config(config, None)
    config.workerinput = {}
    config.workeroutput = {}
    config.pluginmanager.register(_Here(connection))
    os.environ.update(_QUIET)
    status = config.hook.pytest_cmdline_main(config=config)
    _done.set()
    _serving.join()
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(int(status))  # what is loaded is not taken apart: it would no longer be shared


_channels: queue.SimpleQueue[Any] = queue.SimpleQueue()
_done = threading.Event()
_serving: threading.Thread


def _interact(session: pytest.Session, asks: int, answers: int) -> Any:
    """In a fork, as a worker: run the tests that it is told to."""
    global _serving
    from _pytest.tmpdir import TempPathFactory
    from xdist import remote

    config: Any = session.config
    signal.signal(signal.SIGINT, signal.default_int_handler)
    capturing = config.pluginmanager.getplugin("capturemanager")
    capturing.stop_global_capturing()  # its files are those of all forks
    for descriptor, standard in ((asks, 0), (answers, 1)):
        os.dup2(descriptor, standard)
        os.close(descriptor)
    _serving = threading.Thread(target=_speak, daemon=True)
    _serving.start()
    channel = _channels.get()
    capturing.start_global_capturing()
    capturing.suspend_global_capture()
    config.workerinput, _, options, _ = channel.receive()
    os.environ["PYTEST_XDIST_WORKER"] = config.workerinput["workerid"]
    os.environ["PYTEST_XDIST_TESTRUNUID"] = config.workerinput["testrunuid"]
    os.environ["PYTEST_XDIST_WORKER_COUNT"] = str(config.workerinput["workercount"])
    for each in _QUIET:
        os.environ.pop(each, None)
    config.option.basetemp = options.get("basetemp")
    config._tmp_path_factory = TempPathFactory.from_config(config, _ispytest=True)
    kind = remote.WorkerInteractor if _is_told_all(config) else _brief(remote.WorkerInteractor)
    remote.interactor = interactor = kind(config, channel)
    interactor.pytest_sessionstart(session)
    interactor.pytest_collection()
    interactor.pytest_collection_finish(session)
    try:
        return interactor.pytest_runtestloop(session)
    finally:
        # who has told the end is interrupted when it takes more than five seconds to come, on a machine that is busy
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def _is_told_all(config: pytest.Config) -> bool:
    """Whether somebody wants to know of more than how tests end."""
    option = config.option
    return bool(option.verbose > 0 or option.durations or option.xmlpath)


def _brief(interactor: type) -> type:
    """Of a test that passes it sends two messages of six: who distributes the tests takes all of them apart, and then
    has no use for the others.
    """

    class Brief(interactor):  # type: ignore[misc]  # any class
        pytest_runtest_logstart = None
        pytest_runtest_logfinish = None

        def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
            if is_shown(report):
                super().pytest_runtest_logreport(report)

    return Brief


def is_shown(report: pytest.TestReport) -> bool:
    return report.when == "call" or not report.passed


def _speak() -> None:
    """What execnet has a new process do: it reads from it what to execute, and talks by its input and its output."""
    line = b""
    while not line.endswith(b"\n"):
        line += os.read(0, 1)
    exec(eval(line), {"__name__": "__main__"})


def hand_over(channel: Any) -> None:
    """What xdist sends to be executed calls this, and that thread has nothing else to do."""
    _channels.put(channel)
    _done.wait()
