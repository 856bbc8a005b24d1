"""A worker: takes requests from its front, one after the other, has the script answer them."""

from __future__ import annotations

import atexit
import faulthandler
import json
import os
import signal
import socket
import sys
import time
import traceback

from . import answers, entry, failures, finder, guard, loaded, log, memory, turns, wire
from .batches import Batches
from .gathering import Gathering
from .jobs import Jobs
from .waiting import Waiting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import Any, NoReturn

_READ = 1 << 18
_UNTOLD, _MANY = 0.0005, 8
"""Seconds that answers may lie in the ring while others are worked on, where they are so many. Their clients are read
together, which saves the front most of what a turn of its loop costs; and the worker gets more before it has none."""
_FEW_UNTOLD = 0.0015
_TOO_LARGE = b'{"message": "run() returned an answer of more than 1 GB."}'
_NOT_BEGUN = answers.Said(wire.NOT_BEGUN, b"")
_BELL = wire.REPORT.pack(wire.REPORT.size - wire.LENGTH_BYTES, wire.VERSION, wire.BELL, 0)


_ahead: Collection[str] | None = None
"""What had been loaded before this process was forked."""


def began_with(loaded: Collection[str]) -> None:
    """The workers to come are forked from this process, which has loaded that."""
    global _ahead
    _ahead = loaded


class Leave(BaseException):
    """The worker is to end, and does nothing at the moment."""


def main(channel: int, shared: int) -> None:
    front = socket.socket(fileno=channel)
    turns.be_short()
    worker = Worker(front, memory.Memory(shared))
    os.close(shared)
    code = 1
    try:
        code = worker.work()
    except Leave:
        code = 0
    except OSError:  # the front is gone
        pass
    except BaseException:
        log.write_error(traceback.format_exc())
    finally:
        _leave(code)


def _leave(code: int) -> None:
    """After what the script wants done at its end; threads that it has left running keep nobody here."""
    try:
        atexit._run_exitfuncs()
    except BaseException:
        log.write_error(traceback.format_exc())
    log.flush()
    os._exit(code)


class Worker:
    def __init__(self, front: socket.socket, shared: memory.Memory) -> None:
        self._front = front
        self._memory = shared
        self._log = log.Current()
        self._rest = b""
        self._idle = True
        self._stopping = False
        self._unsaid = 0
        """Answers in the ring that the front was not told of."""
        self._told = 0.0
        self._jobs: Any = None
        self._gathering: Gathering | None = None

    def work(self) -> int:
        """Until the front says so, or is gone; the exit code."""
        log.install(self._log)
        faulthandler.enable(2)
        faulthandler.register(guard.TELLS, 2, all_threads=True, chain=False)
        signal.signal(signal.SIGTERM, self._terminate)
        os.register_at_fork(after_in_child=self._forked)
        begin = self._begin()
        finder.install()
        loading = loaded.Loading(_ahead)
        try:
            calling = entry.load(begin)
        except failures.NotLoaded as error:
            self._report(wire.BROKEN, {"message": error.message, "traceback": error.traceback})
            return error.exit_code
        self._jobs = Jobs(calling)
        if calling.batches and begin["max_batch_size"] > 1:
            batches = Batches(calling, self._jobs, begin["max_batch_size"])
            self._gathering = Gathering(self._memory, self._log, self._jobs, batches, self._put)
        self._report(
            wire.READY,
            {
                "pid": os.getpid(),
                "python": sys.version.split()[0],
                "described": calling.raw or calling.headers,
                "batches": self._gathering is not None,
                "loaded": loading.told(),
                **calling.description,
            },
        )
        self._serve()
        return 0

    def _begin(self) -> dict[str, Any]:
        data = self._front.recv(wire.LENGTH_BYTES, socket.MSG_WAITALL)
        if len(data) < wire.LENGTH_BYTES:
            raise Leave
        length = wire.LENGTH.unpack(data)[0]
        frame = data + self._front.recv(length, socket.MSG_WAITALL)
        _, version, kind, named, _, _, described = wire.HEAD.unpack_from(frame)
        if version != wire.VERSION or kind != wire.BEGIN:
            raise Leave
        begin: dict[str, Any] = json.loads(frame[wire.HEAD.size + named : wire.HEAD.size + named + described])
        return begin

    def _report(self, kind: int, said: dict[str, Any]) -> None:
        data = json.dumps(said).encode()
        length = wire.REPORT.size - wire.LENGTH_BYTES + len(data)
        self._front.sendall(wire.REPORT.pack(length, wire.VERSION, kind, 0) + data)

    def _serve(self) -> None:
        buffer = bytearray(_READ)
        waiting = Waiting(self._front, self._memory.cells)
        while not self._stopping:
            self._idle = True
            got = waiting.read(buffer)
            self._idle = False
            if not got:
                return
            self._take(self._rest + buffer[:got] if self._rest else buffer[:got])
            if self._unsaid:
                self._ring()
            log.flush()

    def _take(self, data: Any) -> None:
        """Work on all whole frames; what is behind them is kept."""
        head, size = wire.HEAD.unpack_from, wire.HEAD.size
        at, end = 0, len(data)
        while end - at >= size:
            length, version, kind, named, number, deadline, described = head(data, at)
            behind = at + wire.LENGTH_BYTES + length
            if behind > end:
                if behind - at > 2 * _READ:
                    data = self._all(data, at, behind - at)
                    at, end = 0, len(data)
                    continue
                break
            if version != wire.VERSION:
                raise Leave
            at += size
            body_at = at + named + described
            if kind == wire.STOP:
                self._stopping = True
                return
            self._answer(
                kind,
                number,
                deadline,
                data[at : at + named],
                data[at + named : body_at] if described else b"",
                data[body_at:behind],
            )
            at = behind
            if self._stopping:
                return
        self._rest = bytes(data[at:]) if at < end else b""

    def _all(self, data: Any, at: int, length: int) -> bytearray:
        """A long frame, whole; copied once."""
        if self._unsaid:
            self._ring()
        whole = bytearray(length)
        had = len(data) - at
        whole[:had] = memoryview(data)[at:]
        rest = memoryview(whole)[had:]
        while rest:
            got = self._front.recv_into(rest)
            if not got:
                raise Leave
            rest = rest[got:]
        return whole

    def _answer(
        self, kind: int, number: int, deadline: float, request: bytes, description: bytes, body: bytes
    ) -> None:
        began = time.monotonic()
        shared = self._memory
        if self._gathering is not None:
            shared.cells[wire.FIRST] = shared.cells[wire.LAST] = number
        shared.times[wire.SINCE] = began
        shared.cells[wire.RUNNING] = number
        revoked = number <= shared.cells[wire.REVOKED]
        if self._unsaid and began - self._told > (_UNTOLD if self._unsaid >= _MANY else _FEW_UNTOLD):
            self._ring()
        if self._gathering is not None:
            late = None if revoked else began > deadline
            if revoked:
                self._put(number, 0, 1, _NOT_BEGUN)
            self._gathering.add(kind, number, late, request, description, body)
            return
        if revoked:
            self._put(number, 0, 1, _NOT_BEGUN)
            return
        self._log.request = request
        answer = self._jobs.answer(kind, description, body) if began <= deadline else answers.too_late()
        ended = time.monotonic()
        self._log.request = b""
        micros = int((ended - began) * 1e6)
        if isinstance(answer, bytes) and shared.put(number, micros, 200, 0, 1, b"", answer):
            if not self._unsaid:
                self._told = ended
            self._unsaid += 1
            return
        self._put(number, micros, 1, answer)

    def _put(self, number: int, micros: int, together: int, answer: bytes | answers.Said) -> None:
        if not self._unsaid:
            self._told = time.monotonic()
        self._unsaid += 1
        status, flags, described = 200, 0, b""
        if isinstance(answer, bytes):
            body = answer
        else:
            status, flags, described, body = (
                answer.status,
                int(answer.raised),
                answer.description(),
                answer.body,
            )
        if not self._memory.put(number, micros, status, flags, min(together, 255), described, body):
            if len(body) > wire.LARGEST_ANSWER:
                status, flags, described, body = 500, wire.RAISED, b"", _TOO_LARGE
            for part in memory.large(number, micros, status, flags, min(together, 255), described, body):
                self._front.sendall(part)

    def _ring(self) -> None:
        self._unsaid = 0
        if not self._memory.cells[wire.LOOKING]:
            self._front.sendall(_BELL)

    def _terminate(self, *_: object) -> None:
        """Leave after the request that runs; those behind it have not been begun, and the front knows."""
        self._stopping = True
        if self._idle:
            raise Leave

    def _forked(self) -> None:
        """In a child of the script's own: it answers nothing, also where it comes back out of `run`."""
        self._front.close()
        self._memory.put = _end_child  # type: ignore[assignment, method-assign]  # ends whoever calls it
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _end_child(*_: object) -> NoReturn:
    log.flush()
    os._exit(0)
