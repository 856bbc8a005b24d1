"""An interpreter of a run's environment that has packages loaded and is forked for each script, and for its guard.

It is started as `PYTHON template.py CHANNEL LOG TOLD`: CHANNEL is the descriptor of a socket to the runner, LOG one of
the file that its guards write to, TOLD one of a file in memory with what is to be loaded, as JSON:
`{"modules": […], "left_out": {…}, "built": …, "idle": …}`. Once it is ready it says so, and what it is stands in TOLD:
`{"names": […], "files": {…}, "left_out": {…}}`, or `{"refused": why}`. From then on it answers as a fork server does: a
message is an attempt's folder with the descriptors of its guard, the answer is the guard's process id with a descriptor
that tells of its end. It leaves when its runner does, or when nobody has asked for so many seconds (`idle`).

The next guard and its script are forked ahead and wait. Python 3.6 and the standard library.
"""

from __future__ import annotations

import sys

_at_start = frozenset(sys.modules)

import ctypes
import gc
import json
import os
import select
import signal
import socket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_OWN = os.path.dirname(os.path.abspath(__file__))
_SOURCES = os.path.dirname(os.path.dirname(os.path.dirname(_OWN)))
_MOST_ROUNDS = 30
"""Times that it starts anew, each time without one more package that does harm."""
_PIDFD_OPEN = 434
_READY = b"ready"

if sys.path[:1] == [_OWN]:  # the script's folder takes its place
    del sys.path[0]
_path = list(sys.path)
sys.path.insert(0, _SOURCES)
import _faena_process  # on the path of every run
import _faena_warm

from faena.kernel.preloading import Harmful, Preloading
from faena.node.script_process import wake_by_signals
from faena.node.warm import pairs

sys.path[:] = _path
for _name in [name for name in sys.modules if name.partition(".")[0] == "faena"]:
    del sys.modules[_name]  # a script's `faena` is another one


class Template:
    def __init__(self, channel: socket.socket, template: _faena_warm.Template) -> None:
        self._channel = channel
        self._template = template
        self._idle: pairs.Pair | None = None
        self._wake, self._woken = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        wake_by_signals(self._woken)

    def serve(self, idle: float) -> None:
        """Say that it is ready, then fork until the runner is gone or has not asked for long."""
        self._idle = pairs.fork(self._template, [self._channel.fileno(), self._wake, self._woken])
        self._channel.send(_READY)
        poll = select.poll()
        poll.register(self._channel, select.POLLIN)
        poll.register(self._wake, select.POLLIN)
        while True:
            ready = poll.poll(idle * 1000)
            if not ready:
                return
            for descriptor, _ in ready:
                if descriptor == self._wake:
                    os.read(self._wake, 4096)
                    _reap()
                elif not self._answer():
                    return

    def _answer(self) -> bool:
        try:
            folder, descriptors = pairs.receive(self._channel)
        except ConnectionError:
            return False
        if not folder:
            return False
        try:
            self._hand_on(folder, descriptors)
        except ConnectionError:
            return False
        finally:
            for descriptor in descriptors:  # the guard's alone: its end must be seen
                os.close(descriptor)
        self._idle = pairs.fork(self._template, [self._channel.fileno(), self._wake, self._woken])
        return True

    def _hand_on(self, folder: bytes, descriptors: list[int]) -> None:
        pair, self._idle = self._idle, None
        if pair is None:
            self._channel.send(b"!it cannot fork")
            return
        try:
            pairs.send(pair.channel, folder, descriptors)
        except OSError as error:
            self._channel.send("!its guard has gone: {}".format(error.strerror).encode())
            return
        finally:
            pair.channel.close()
        end = _pidfd_open(pair.pid)  # it is collected in the loop only: the id is still its own
        try:
            pairs.send(self._channel, str(pair.pid).encode(), [end])
        finally:
            os.close(end)


def _pidfd_open(pid: int) -> int:
    found: int = ctypes.CDLL(None, use_errno=True).syscall(_PIDFD_OPEN, pid, 0)
    if found < 0:
        raise OSError(ctypes.get_errno(), "no pidfd")
    os.set_inheritable(found, False)
    return found


def _reap() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return


def _install_hooks() -> None:
    """What a run's interpreter has installed before its packages are loaded."""
    import _faena_start

    os.environ["FAENA_RUN_ID"] = "template"
    _faena_start.install()
    del os.environ["FAENA_RUN_ID"]


def _start_anew(variables: dict[bytes, bytes], told: int, what: dict[str, Any]) -> None:
    os.ftruncate(1, 0)
    _tell(told, what)
    os.execve(sys.executable, [sys.executable, os.path.abspath(__file__), *sys.argv[1:]], variables)


def _tell(told: int, what: dict[str, Any]) -> None:
    os.ftruncate(told, 0)
    os.pwrite(told, json.dumps(what).encode(), 0)


def _loaded(what: dict[str, Any], variables: dict[bytes, bytes], told: int) -> str:
    """Load what is to be loaded; why this cannot be a template, or nothing."""
    if sys.implementation.name != "cpython":
        return "it is no CPython"
    try:
        _install_hooks()
        preloading = Preloading(1, _faena_warm.is_package)
        preloading.check()
        preloading.load(what["modules"], what["left_out"])
        _try_description()
    except Harmful as harm:
        if harm.name != sys.executable and len(what["left_out"]) < _MOST_ROUNDS:
            what["left_out"][harm.name] = str(harm)
            _start_anew(variables, told, what)
        return "{}: {}".format(harm.name, harm)
    except OSError as error:
        return str(error)
    return ""


def _try_description() -> None:
    """Raises OSError where the kernel does not let a process say what it is."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            _faena_process.describe([b"x"], {})
            with open("/proc/self/cmdline", "rb") as file:
                status = int(file.read() != b"x\0")
        finally:
            os._exit(status)
    if os.waitpid(pid, 0)[1] != 0:
        raise OSError("the kernel does not let a process say what its command line is")


def _given_variables() -> dict[bytes, bytes]:
    """Those that it was started with: an interpreter sets some itself as it starts, such as LC_CTYPE."""
    with open("/proc/self/environ", "rb") as file:
        pairs = [pair.partition(b"=") for pair in file.read().split(b"\0") if pair]
    return {name: value for name, _, value in pairs}


def _files(built: bool) -> dict[str, int]:
    """What it is made of, by the times of its changes: another one is wanted when something of it is changed.

    `built`: nobody changes single files of the environment, which is only removed and made anew.
    """
    wanted = {entry for entry in sys.path if entry != _faena_warm.CODE}
    if not built:
        wanted.update(getattr(module, "__file__", None) or "" for module in list(sys.modules.values()))
    wanted.add(os.path.join(sys.prefix, "pyvenv.cfg"))
    found = {}
    for path in wanted:
        if path.startswith(_faena_warm.STANDARD) and "site-packages" not in path:
            continue
        try:
            found[path] = os.stat(path).st_mtime_ns
        except OSError:
            continue
    return found


def main() -> None:
    # Python 3.6 does not find out by itself what kind of socket it is.
    channel = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET, 0, fileno=int(sys.argv[1]))
    log, told = int(sys.argv[2]), int(sys.argv[3])
    variables = _given_variables()
    what = json.loads(os.pread(told, os.fstat(told).st_size, 0))
    refused = _loaded(what, variables, told)
    names = sorted({name.partition(".")[0] for name in sys.modules.keys() - _at_start})
    left_out = what["left_out"]
    _tell(
        told,
        {"refused": refused}
        if refused
        else {"names": names, "files": _files(what["built"]), "left_out": left_out},
    )
    if refused:
        channel.send(_READY)
        return
    for descriptor in (1, 2):
        os.dup2(log, descriptor)
    for descriptor in (log, told):
        os.close(descriptor)
    os.set_inheritable(channel.fileno(), False)
    template = _faena_warm.Template(variables)
    gc.collect()
    if hasattr(gc, "freeze"):  # since Python 3.7
        gc.freeze()  # what is loaded is shared with the scripts for good
    Template(channel, template).serve(what["idle"])
    os._exit(0)  # without taking down what is loaded


if __name__ == "__main__":
    main()
