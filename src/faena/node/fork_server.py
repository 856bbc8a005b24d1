"""Starts guards by a fork: a small process of one thread that has their modules loaded, one per runner.

It is started as `python -I -S fork_server.py CHANNEL`, where CHANNEL is the descriptor of a socket to its runner. A
message is the attempt folder's path with the guard's descriptors (`guard.serve`); the answer is the guard's process id,
with a descriptor that tells of its end, or why there is none. It leaves when the channel ends: its runner is gone.
"""

from __future__ import annotations

import gc
import os
import select
import signal
import socket
import sys
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from faena.node import cgroups, guard  # it starts without site-packages

_LONGEST_PATH = 1 << 13
_MOST_DESCRIPTORS = 16


class ForkServer:
    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._wake, self._woken = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._woken, warn_on_full_buffer=False)

    def serve(self) -> None:
        """Until the runner is gone."""
        poll = select.poll()
        poll.register(self._channel, select.POLLIN)
        poll.register(self._wake, select.POLLIN)
        cgroups.look_ahead()
        gc.freeze()  # what is loaded is shared with the guards for good
        while True:
            for descriptor, _ in poll.poll():
                if descriptor == self._wake:
                    os.read(self._wake, 4096)
                    _reap()
                elif not self._answer():
                    return

    def _answer(self) -> bool:
        try:
            folder, descriptors, _, _ = socket.recv_fds(
                self._channel, _LONGEST_PATH, _MOST_DESCRIPTORS, socket.MSG_CMSG_CLOEXEC
            )
        except ConnectionError:
            return False
        if not folder:
            return False
        try:
            self._fork(os.fsdecode(folder), descriptors)
        except ConnectionError:
            return False
        finally:
            for descriptor in descriptors:  # the guard's alone: its end must be seen
                os.close(descriptor)
        return True

    def _fork(self, folder: str, descriptors: list[int]) -> None:
        try:
            pid = os.fork()
        except OSError as error:
            self._channel.send(f"!{error.strerror}".encode())
            return
        if pid == 0:
            self._become_guard(folder, descriptors)
        end = os.pidfd_open(pid)  # it is collected in the loop only: the id is still its own
        try:
            socket.send_fds(self._channel, [str(pid).encode()], [end])
        finally:
            os.close(end)

    def _become_guard(self, folder: str, descriptors: list[int]) -> None:
        """In the child: never returns."""
        status = 1
        try:
            signal.set_wakeup_fd(-1)
            for descriptor in (self._channel.detach(), self._wake, self._woken):
                os.close(descriptor)
            os.setsid()
            guard.serve(folder, *descriptors)
            status = 0
        except BaseException:  # noqa: BLE001  nothing of this process may go on as a fork server
            traceback.print_exc()
        finally:
            os._exit(status)


def _reap() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return


if __name__ == "__main__":
    ForkServer(socket.socket(fileno=int(sys.argv[1]))).serve()
