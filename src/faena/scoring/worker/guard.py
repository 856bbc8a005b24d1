"""The guard of a worker: the process that the front started, while the worker is its child.

It lets nothing of the worker outlive worker or front: it adopts every orphan (child subreaper), and when the worker has
ended or the lifeline closes it kills all that is left. Then it says how the worker ended: 4 bytes, its wait status.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import struct
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

KILL, TELL = b"k", b"t"
"""What the front may ask for: an end at once; where the worker stands, in its log."""
TELLS = signal.SIGUSR2
"""Has a worker write the stacks of its threads to its log."""
STATUS = struct.Struct("<i")

_PR_SET_NAME = 15
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_PDEATHSIG = 1


def stay_behind(lifeline: int, workers: list[int]) -> None:
    """Returns in the worker only. `workers`: descriptors that are the worker's alone."""
    wake, woken = os.pipe()
    for descriptor in (wake, woken):
        os.set_blocking(descriptor, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(TELLS, signal.SIG_IGN)  # it must not end a worker that has not come so far as to tell
    signal.set_wakeup_fd(woken)
    parent = os.getpid()
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    worker = os.fork()
    if worker == 0:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for descriptor in (wake, woken, lifeline):
            os.close(descriptor)
        os.setpgid(0, 0)
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)
        return
    try:
        _guard(worker, lifeline, wake, workers)
    finally:
        os._exit(1)


def _guard(worker: int, lifeline: int, wake: int, workers: list[int]) -> NoReturn:
    for descriptor in workers:
        os.close(descriptor)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    _prctl(_PR_SET_NAME, b"faena-guard")
    poll = select.poll()
    poll.register(wake, select.POLLIN)
    poll.register(lifeline, select.POLLIN)
    while True:
        status = _reap(worker)
        if status is not None:
            _clear()
            try:
                os.write(lifeline, STATUS.pack(status))
            except OSError:
                pass
            os._exit(0)
        for descriptor, _ in poll.poll():
            if descriptor == wake:
                os.read(wake, 4096)
                continue
            asked = _read(lifeline)
            if asked.endswith(TELL):
                os.kill(worker, TELLS)
            else:  # told to, or the front is gone
                os.kill(worker, signal.SIGKILL)
                if not asked:
                    _clear()
                    os._exit(0)


def _read(lifeline: int) -> bytes:
    try:
        return os.read(lifeline, 16)
    except OSError:
        return b""


def _reap(worker: int) -> int | None:
    """Collects who has ended; the worker's wait status if it is among them."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return None
        if pid == 0:
            return None
        if pid == worker:
            return status


def _clear() -> None:
    """Until nothing is left below this process."""
    while _has_children():
        for pid in _descendants():
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                continue
        time.sleep(0.002)


def _has_children() -> bool:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return False
    return True


def _descendants() -> list[int]:
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open("/proc/{}/stat".format(name), "rb") as file:
                    text = file.read()
            except OSError:
                continue
            parent = int(text[text.rindex(b")") + 2 :].split(None, 2)[1])
            children.setdefault(parent, []).append(int(name))
    found: list[int] = []
    pending = [os.getpid()]
    while pending:
        below = children.get(pending.pop(), [])
        found += below
        pending += below
    return found


def _prctl(option: int, value: int | bytes) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)
