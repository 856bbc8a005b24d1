"""One worker as its front sees it: a process below a guard, a socket, and memory that both have mapped."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import struct
import subprocess
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import msgspec

from faena.scoring import frames
from faena.scoring.frames import BadFrame
from faena.scoring.looking import LookingLoop
from faena.scoring.outbox import Outbox
from faena.scoring.pending import Pending
from faena.scoring.shared_memory import SharedMemory
from faena.scoring.worker import wire

_START = Path(__file__).parent / "worker" / "start.py"
_STATUS = struct.Struct("<i")
_READ = 1 << 18
_READ_FIRST = 1 << 12
"""Bells are short. Room for many bytes is mapped for each read, and unmapped, which takes longer than reading one."""
_GUARD_GRACE = 2.0
"""Seconds in which a guard has to end its worker before it is killed itself, by which the worker goes, too."""


class Launch(NamedTuple):
    """How workers of a revision are started."""

    python: str
    folder: str
    variables: Mapping[str, str]
    begin: dict[str, Any]


class Started(Protocol):
    """The guard of a worker, as `subprocess` has it."""

    @property
    def pid(self) -> int: ...
    def kill(self) -> None: ...
    def wait(self, timeout: float | None = None) -> int: ...


class Template(Protocol):
    """What workers are forked from."""

    def fork(self, launch: Launch, descriptors: Sequence[int]) -> Started:
        """`descriptors`: the three that a worker gets, and its log. Raises OSError where it cannot be asked."""


class Owner(Protocol):
    """Who is told what a worker does, in the loop's thread."""

    def began(self, worker: WorkerProcess, said: dict[str, Any]) -> None:
        """Its `init()` has returned."""

    def broke(self, worker: WorkerProcess, said: dict[str, Any]) -> None:
        """Its script could not be loaded; it ends."""

    def answered(self, worker: WorkerProcess) -> None:
        """Answers have been given out."""

    def ended(self, worker: WorkerProcess) -> None:
        """Nothing of it lives; all answers that it gave have been given out."""


class WorkerProcess:
    """From the start of its process on, for which it raises OSError. Belongs to one event loop."""

    def __init__(
        self, launch: Launch, number: int, log: Path, owner: Owner, template: Template | None = None
    ) -> None:
        """`template`: what it is forked from; None, or where that cannot be: it is started."""
        self.number = number
        self.log = log
        self.sent: deque[Pending] = deque()
        """What it has been sent and not answered, in that order."""
        self.status: int | None = None
        """Once it has ended: its wait status, as its guard told."""
        self.pid: int | None = None
        """Of the worker itself, once it has begun."""
        self.described = False
        """Whether its script looks at more than bodies."""
        self.has_ended = False
        self.is_forked = False
        self.memory = SharedMemory()
        self.look, self.has_answers = self.memory.look, self.memory.has_answers
        self._last = 0
        self._owner = owner
        self._loop = asyncio.get_running_loop()
        self._looking = self._loop.looking if isinstance(self._loop, LookingLoop) else None
        self._reports = frames.Reports()
        self._timer: asyncio.TimerHandle | None = None
        self._channel, theirs = socket.socketpair()
        self._lifeline, guards = socket.socketpair()
        try:
            with theirs, guards:
                self._process = self._start(launch, theirs, guards, template)
        except BaseException:
            self._channel.close()
            self._lifeline.close()
            raise
        finally:
            os.close(self.memory.descriptor)
        for ours in (self._channel, self._lifeline):
            ours.setblocking(False)
        self._loop.add_reader(self._channel, self._readable)
        self._loop.add_reader(self._lifeline, self._heard_of_guard)
        self._outbox = Outbox(self._channel, self._loop)
        self._outbox.write([frames.begin(launch.begin)])

    def _start(
        self, launch: Launch, channel: socket.socket, lifeline: socket.socket, template: Template | None
    ) -> Started:
        kept = [channel.fileno(), lifeline.fileno(), self.memory.descriptor]
        output = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            if template is not None:
                with contextlib.suppress(OSError):
                    forked = template.fork(launch, [*kept, output])
                    self.is_forked = True
                    return forked
            return subprocess.Popen(
                [launch.python, str(_START), *map(str, kept)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=launch.folder,
                env=dict(launch.variables),
                pass_fds=kept,
                start_new_session=True,
            )
        finally:
            os.close(output)

    @property
    def guard(self) -> int:
        """The process id of its guard."""
        return self._process.pid

    @property
    def last(self) -> int:
        """The number of the request that was sent last."""
        return self._last

    def send(self, batch: Sequence[Pending], *, together: bool = False) -> None:
        """Hand it requests, in one write. `together`: they make one batch."""
        pieces = frames.of_requests(batch, self._last, self.described, together=together)
        self._last += len(batch)
        self.sent.extend(batch)
        self._outbox.write(pieces)
        self.memory.note_sent(self._last)

    def expect(self, seconds: float) -> None:
        """The request that has just been sent is the only one that anybody waits for, and takes about so long."""
        if self._looking is not None:
            self._looking.expect(self, seconds)

    def stop(self) -> None:
        """Have it leave once it has answered what it was sent."""
        self._outbox.write([frames.STOP])

    def note(self, line: str) -> None:
        """Write a line to its log. A full disk loses it."""
        with contextlib.suppress(OSError):
            log = os.open(self.log, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
            try:
                os.write(log, f"\n{line}\n".encode("utf-8", "replace"))
            finally:
                os.close(log)

    def tell(self) -> None:
        """Have it write to its log where it stands."""
        self._ask(b"t")

    def kill(self) -> None:
        """End it at once, with all that it has started. Its end is told as any other."""
        if self.has_ended or self._timer is not None:
            return
        self._ask(b"k")
        self._timer = self._loop.call_later(_GUARD_GRACE, self._process.kill)

    def take_settled(self) -> None:
        """Give out answers that it was too busy to tell of."""
        self._guarded(lambda: self.memory.take_settled(self.sent))

    def found(self) -> None:
        """Answers were seen in the ring: they are given out in this turn of the loop."""
        self._loop.call_soon(self._take_found)

    def _take_found(self) -> None:
        if not self.has_ended:
            self._guarded(lambda: self.memory.take(self.sent))
            self._owner.answered(self)

    def _ask(self, what: bytes) -> None:
        with contextlib.suppress(OSError):
            self._lifeline.send(what)

    def _readable(self) -> None:
        try:
            data = self._channel.recv(_READ if self._reports.within else _READ_FIRST)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:  # it is dead, which its guard tells; or its script has closed what it does not know
            self._loop.remove_reader(self._channel)
            self._loop.call_later(0.1, self.kill)
            return
        if data == frames.BELL and not self._reports.within:
            self._guarded(lambda: self.memory.take(self.sent))
        else:
            self._guarded(lambda: self._take_reports(data))
        self._owner.answered(self)

    def _guarded(self, take: Any) -> None:
        try:
            take()
        except BadFrame as error:
            with contextlib.suppress(OSError), self.log.open("a") as log:
                log.write(f"The worker sent what is no answer ({error}): it is ended.\n")
            self.kill()

    def _take_reports(self, data: bytes) -> None:
        for report in self._reports.feed(data):
            self.memory.take(self.sent)
            if report.kind == wire.LARGE:
                self.memory.take_large(self.sent, report.data)
                self.memory.take(self.sent)
            elif report.kind in (wire.READY, wire.BROKEN):
                self._take_beginning(report)

    def _take_beginning(self, report: frames.Report) -> None:
        try:
            said = msgspec.json.decode(report.data, type=dict[str, Any])
        except msgspec.DecodeError as error:
            raise BadFrame(str(error)) from error
        if report.kind == wire.BROKEN:
            self._owner.broke(self, said)
            return
        self.pid = said.get("pid")
        self.described = bool(said.get("described"))
        self._owner.began(self, said)

    def _heard_of_guard(self) -> None:
        try:
            data = self._lifeline.recv(_STATUS.size)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if len(data) == _STATUS.size:
            self.status = _STATUS.unpack(data)[0]
            return
        self._end()

    def _end(self) -> None:
        """Its guard has left, and so has the worker, by which its guard stays or the kernel ends it."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_GUARD_GRACE)
        if self.status is None and self.pid is not None:
            with contextlib.suppress(OSError):
                os.killpg(self.pid, signal.SIGKILL)
        self.has_ended = True
        if self._timer is not None:
            self._timer.cancel()
        self._drain()
        for ours in (self._channel, self._lifeline):
            self._loop.remove_reader(ours)
        self._outbox.close()
        self._channel.close()
        self._lifeline.close()
        self._owner.ended(self)

    def _drain(self) -> None:
        """All answers that it gave: those of the socket, those of the ring."""
        with contextlib.suppress(OSError, BadFrame):
            if self.status is None:  # the kernel ends it as its guard dies, which takes a moment
                self._channel.settimeout(1.0)
            while data := self._channel.recv(_READ):
                self._take_reports(data)
        with contextlib.suppress(BadFrame):
            self.memory.take(self.sent)
