"""An interpreter that has the packages of an environment loaded, and is forked for each worker.

It is started as `start.py template CHANNEL TOLD LISTENER`. CHANNEL is a socket to the front, LISTENER one where other
fronts ask (-1: none), who are answered the same. TOLD is a file in memory with what is to be loaded,
`{"modules": […], "left_out": {…}, "idle": …}`, and then with what became of it: `{"names": […], "files": {…},
"left_out": {…}}`, or `{"refused": why}`. Its first word is that it is ready, with TOLD. From then on a message is an
order, `{"app": …, "variables": {…}}`, with four descriptors: those of a worker (`start`), and its log. The answer is
the process id of the worker's guard, with a descriptor that tells of its end. It leaves when the front does that has
started it, or when nobody has asked for `idle` seconds.

Only what was installed is loaded here: never a scoring script, nor what lies beside it.
"""

from __future__ import annotations

import array
import ctypes
import gc
import json
import os
import select
import signal
import socket
import sys

from . import finder, serving

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_SOURCES = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
_MOST_ROUNDS = 30
"""Times that it starts anew, each time without one more package that does harm."""
_LONGEST_ORDER = 1 << 16
_DESCRIPTORS = 4
_PIDFD_OPEN = 434
READY = b"ready"


def become_worker(channel: int, told: int, listener: int) -> list[int]:
    """Returns in the guard of each worker, forked from this process: with the descriptors that `start` needs."""
    given = dict(os.environb)
    what = json.loads(os.pread(told, os.fstat(told).st_size, 0))
    finder.install()
    import _faena_warm  # in the folder of what scripts may import

    before = frozenset(sys.modules)
    refused = _loaded(what, given, told)
    front = socket.socket(fileno=channel)
    if refused:
        _tell(told, {"refused": refused})
        _say(front, READY, told)
        os._exit(0)
    loaded = sys.modules.keys() - before
    names = sorted({name.partition(".")[0] for name in loaded})
    _tell(told, {"names": names, "files": _files(loaded), "left_out": what["left_out"]})
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (1, 2):
        os.dup2(nothing, descriptor)
    os.close(nothing)
    asked = None if listener < 0 else socket.socket(fileno=listener)
    for descriptor in (channel, told, *(() if asked is None else (listener,))):
        os.set_inheritable(descriptor, False)
    serving.began_with(loaded)
    gc.collect()
    gc.freeze()  # what is loaded is shared with the workers for good
    _say(front, READY, told)
    descriptors = _fork_on(front, asked, told, what["idle"])
    _faena_warm.renew()
    return descriptors


def _loaded(what: dict[str, Any], given: dict[bytes, bytes], told: int) -> str:
    """Load what is to be loaded; why this cannot be a template, or nothing."""
    if sys.implementation.name != "cpython" or sys.platform != "linux":
        return "it is no CPython on Linux"
    import _faena_warm

    preloading = _preloading()
    try:
        loading = preloading.Preloading(1, _faena_warm.is_package)
        loading.check()
        loading.load(what["modules"], what["left_out"])
    except preloading.Harmful as harm:
        if harm.name == sys.executable or len(what["left_out"]) >= _MOST_ROUNDS:
            return "{}: {}".format(harm.name, harm)
        what["left_out"][harm.name] = str(harm)
        os.ftruncate(1, 0)
        _tell(told, what)
        start = os.path.join(os.path.dirname(os.path.abspath(__file__)), "start.py")
        os.execve(sys.executable, [sys.executable, start, *sys.argv[1:]], given)
    except OSError as error:
        return str(error)
    return ""


def _preloading() -> Any:
    """The rules of what may be loaded before a fork, which warm runs have, too."""
    path = list(sys.path)
    sys.path.insert(0, _SOURCES)
    from faena.kernel import preloading

    sys.path[:] = path
    for name in [name for name in sys.modules if name.partition(".")[0] == "faena"]:
        del sys.modules[name]  # a script's `faena` is another one
    return preloading


def _tell(told: int, what: dict[str, Any]) -> None:
    os.ftruncate(told, 0)
    os.pwrite(told, json.dumps(what).encode(), 0)


def _files(loaded: Any) -> dict[str, int]:
    """What it is made of, by the times of its changes: another one is wanted when something of it is changed."""
    wanted = {getattr(sys.modules[name], "__file__", None) or "" for name in loaded}
    wanted.update(entry for entry in sys.path if "site-packages" in entry or "dist-packages" in entry)
    wanted.add(os.path.join(sys.prefix, "pyvenv.cfg"))
    found = {}
    for path in wanted:
        try:
            found[path] = os.stat(path).st_mtime_ns
        except OSError:
            continue
    return found


def _fork_on(front: socket.socket, asked: socket.socket | None, told: int, idle: float) -> list[int]:
    """Until the front is gone, in this process; in each that was forked, with its descriptors."""
    wake, woken = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(woken, warn_on_full_buffer=False)
    channels = {front.fileno(): front}
    poll = select.poll()
    for descriptor in (front.fileno(), wake, *(() if asked is None else (asked.fileno(),))):
        poll.register(descriptor, select.POLLIN)
    while True:
        ready = poll.poll(idle * 1000)
        if not ready:
            os._exit(0)  # without taking down what is loaded
        for descriptor, _ in ready:
            if descriptor == wake:
                os.read(wake, 4096)
                _reap()
                continue
            if asked is not None and descriptor == asked.fileno():
                other = asked.accept()[0]
                channels[other.fileno()] = other
                poll.register(other, select.POLLIN)
                _say(other, READY, told)
                continue
            channel = channels[descriptor]
            order, descriptors = _receive(channel)
            if len(descriptors) != _DESCRIPTORS:
                if channel is front:
                    os._exit(0)
                poll.unregister(descriptor)
                channels.pop(descriptor).close()
                continue
            try:
                pid = os.fork()
            except OSError as error:
                _say(channel, "!{}".format(error.strerror).encode())
                pid = -1
            if pid == 0:
                signal.set_wakeup_fd(-1)
                own = [each.detach() for each in (*channels.values(), *(() if asked is None else (asked,)))]
                for each in (wake, woken, told, *own):
                    os.close(each)
                return _begin(json.loads(order), descriptors)
            for given in descriptors:
                os.close(given)
            if pid > 0:
                _answer(channel, pid)


def _begin(order: dict[str, Any], descriptors: list[int]) -> list[int]:
    """As if the front had started this process."""
    os.setsid()
    log = descriptors.pop()
    for descriptor in (1, 2):
        os.dup2(log, descriptor)
    os.close(log)
    os.environ.update(order["variables"])
    os.chdir(order["app"])
    return descriptors


def _receive(front: socket.socket) -> tuple[bytes, list[int]]:
    """Nothing where the front is gone."""
    room = socket.CMSG_SPACE(_DESCRIPTORS * array.array("i").itemsize)
    try:
        data, ancillary, _, _ = front.recvmsg(_LONGEST_ORDER, room, socket.MSG_CMSG_CLOEXEC)
    except ConnectionError:
        return b"", []
    found = array.array("i")
    for level, kind, content in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            found.frombytes(content[: len(content) - len(content) % found.itemsize])
    return data, list(found)


def _answer(front: socket.socket, pid: int) -> None:
    """It is collected in the loop only: the id is still its own."""
    end: int = ctypes.CDLL(None, use_errno=True).syscall(_PIDFD_OPEN, pid, 0)
    _say(front, str(pid).encode(), end)
    if end >= 0:
        os.close(end)


def _say(front: socket.socket, word: bytes, descriptor: int = -1) -> None:
    """Whoever has gone meanwhile is noticed where it is read."""
    given = (
        [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [descriptor]))] if descriptor >= 0 else []
    )
    try:
        front.sendmsg([word], given)
    except OSError:
        return


def _reap() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return
