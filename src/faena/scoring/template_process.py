"""An interpreter that has packages loaded, as a front sees it: its own process, or one that another front lends."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import select
import signal
import socket
import subprocess
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from faena.scoring.launching import MODEL_DIR
from faena.scoring.worker_process import Launch

_log = logging.getLogger(__name__)
_START = Path(__file__).parent / "worker" / "start.py"
_MOST_TOLD = 1 << 24
_READY = b"ready"
_ANSWER = 4096
LONGEST_LOADING = 20.0
"""Seconds."""


def start(
    python: str, variables: Mapping[str, str], what: Mapping[str, object], listener: socket.socket | None
) -> tuple[socket.socket, subprocess.Popen[bytes]]:
    """A process that loads what it is told (`worker/template.py`), and the channel to it. Raises OSError."""
    channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    told, output = os.memfd_create("faena-told"), os.memfd_create("faena-output")
    given = [theirs.fileno(), told, *(() if listener is None else (listener.fileno(),))]
    try:
        os.pwrite(told, json.dumps(what).encode(), 0)
        process = subprocess.Popen(
            [python, str(_START), "template", *map(str, given), *(("-1",) if listener is None else ())],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd="/",
            env=dict(variables),
            pass_fds=given,
            start_new_session=True,
        )
    except BaseException:
        channel.close()
        raise
    finally:
        theirs.close()
        for descriptor in (told, output):
            os.close(descriptor)
    return channel, process


class Template:
    """`changed` is called once it is ready, or cannot be one. `process`: None where another front has it."""

    def __init__(
        self,
        channel: socket.socket,
        changed: Callable[[], None],
        process: subprocess.Popen[bytes] | None = None,
    ) -> None:
        self.is_loading = True
        self.patience = time.monotonic() + LONGEST_LOADING
        """Until when a worker waits for it; later ones do not wait again."""
        self.refused = ""
        """Why it cannot be one."""
        self.left_out: dict[str, str] = {}
        self._has_left = False
        self._names: frozenset[str] = frozenset()
        self._files: dict[str, int] = {}
        self._hidden: dict[Path, bool] = {}
        self._changed = changed
        self._asked: deque[Forked] = deque()
        self._loop = asyncio.get_running_loop()
        self._channel = channel
        self._process = process
        self._channel.setblocking(False)
        self._loop.add_reader(self._channel, self._readable)

    def is_of_use(self) -> bool:
        """Whether it is there, and nothing of what it has loaded has been changed since.

        One that was refused stays, as a word.
        """
        if self._has_left:
            return False
        if self.refused or self.is_loading:
            return True
        try:
            return all(os.stat(path).st_mtime_ns == then for path, then in self._files.items())  # noqa: PTH116  as Path would, without one made each time
        except OSError:
            return False

    def hides(self, launch: Launch) -> bool:
        """Whether the source folder has a module of a name that is loaded already."""
        app = Path(launch.folder)
        folder = (app / str(launch.begin.get("entry") or "")).parent
        if folder not in self._hidden:
            own: set[str] = set()
            for each in {app, folder}:
                with contextlib.suppress(OSError):
                    own.update(path.name.partition(".")[0] for path in each.iterdir())
            self._hidden[folder] = not own.isdisjoint(self._names)
        return self._hidden[folder]

    def fork(self, launch: Launch, descriptors: Sequence[int]) -> Forked:
        """The guard of a worker. Raises OSError."""
        model_dir = launch.variables.get(MODEL_DIR)
        order = {"app": launch.folder, "variables": {} if model_dir is None else {MODEL_DIR: model_dir}}
        socket.send_fds(self._channel, [json.dumps(order).encode()], descriptors)
        made = Forked()
        self._asked.append(made)
        return made

    def close(self) -> None:
        """Let it go; what it has forked lives on."""
        self._loop.remove_reader(self._channel)
        self._channel.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _readable(self) -> None:
        try:
            data, descriptors, _, _ = socket.recv_fds(self._channel, _ANSWER, 1)
        except BlockingIOError:
            return
        except OSError:
            data, descriptors = b"", []
        if data == _READY and self.is_loading and descriptors:
            self._take_what_it_is(descriptors[0])
        elif data and self._asked:
            self._asked.popleft().answer(data, descriptors[0] if descriptors else None)
        elif not data:
            self._end()

    def _take_what_it_is(self, descriptor: int) -> None:
        try:
            told = json.loads(os.pread(descriptor, _MOST_TOLD, 0))
        except ValueError:
            told = {"refused": "it tells nothing"}
        finally:
            os.close(descriptor)
        if "refused" in told:
            self._refuse(str(told["refused"]))
            return
        self.is_loading = False
        self.left_out = told["left_out"]
        self._names, self._files = frozenset(told["names"]), told["files"]
        self._changed()

    def _end(self) -> None:
        """It has left: because nobody asked, because its own front has, or it was killed."""
        if self.is_loading and self._process is not None:
            self._refuse("it has ended while it loaded packages")
            return
        self._loop.remove_reader(self._channel)
        self.is_loading = False
        self._has_left = True
        self._asked.clear()
        self._changed()

    def _refuse(self, why: str) -> None:
        _log.warning("workers are started by themselves, not forked: %s", why)
        self._loop.remove_reader(self._channel)
        self.is_loading = False
        self.refused = why
        self._changed()


class Forked:
    """The guard of a worker that was forked: known once the template has answered."""

    def __init__(self) -> None:
        self.pid = 0
        self._end: int | None = None
        self._killed = False

    def answer(self, data: bytes, end: int | None) -> None:
        """`end`: a descriptor that tells of its end."""
        if not data.isdigit():
            return  # nobody was forked, which its worker's lifeline tells
        self.pid, self._end = int(data), end
        if self._killed:
            self.kill()

    def kill(self) -> None:
        self._killed = True
        if self._end is not None:
            with contextlib.suppress(OSError):
                signal.pidfd_send_signal(self._end, signal.SIGKILL)

    def wait(self, timeout: float | None = None) -> int:
        """Until it has ended, whose status nobody needs."""
        end, self._end = self._end, None
        if end is not None:
            poll = select.poll()
            poll.register(end, select.POLLIN)
            poll.poll(None if timeout is None else timeout * 1000)
            os.close(end)
        return 0
