"""A place in a pool: the worker that fills it, and the next one when that has ended or is worn."""

from __future__ import annotations

import asyncio
import os
import time
from typing import Any, Protocol

from faena.scoring import refusals
from faena.scoring.desired import Limits, Revision
from faena.scoring.member import Member
from faena.scoring.restarts import Restarts
from faena.scoring.status import Failure, WorkerStatus
from faena.scoring.template_process import LONGEST_LOADING

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


class Pool(Protocol):
    """What a place needs of the pool that it belongs to."""

    revision: Revision
    limits: Limits
    error: Failure | None

    @property
    def has_answered(self) -> bool: ...
    @property
    def resting(self) -> bool: ...
    @property
    def warming(self) -> bool: ...
    def distrust(self, why: str) -> None: ...
    def started(self, slot: int) -> Member: ...
    def give_up(self) -> None: ...
    def report(self) -> None: ...


class Slot:
    def __init__(self, number: int, pool: Pool) -> None:
        self.number = number
        self.member: Member | None = None
        self.successor: Member | None = None
        """Starts, or is to start, while the one before it still answers."""
        self.restarts = Restarts()
        self._pool = pool
        self._next: asyncio.TimerHandle | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._said: dict[str, Any] | None = None
        """Why the script could not be loaded, by the worker that is ending for it."""
        self._ready_at = 0.0
        self._waits = False
        """For the packages that workers are forked with."""

    def start(self) -> None:
        if self._next is not None or self.member is not None or self._pool.resting:
            return
        self._begin()

    def warmed(self) -> None:
        """Its worker can be forked now, or has to be started by itself."""
        if self._waits and self._next is not None:
            self._next.cancel()
            self._begin()

    def rest(self) -> None:
        """Start nothing more."""
        if self._next is not None:
            self._next.cancel()
            self._next = None

    def began(self, member: Member) -> None:
        self._forget_deadline()
        self._ready_at = time.monotonic()
        if member is self.successor:
            before, self.member, self.successor = self.member, member, None
            if before is not None:
                self.restarts.count += 1
                before.retire()

    def broke(self, member: Member, said: dict[str, Any]) -> None:
        self._said = said

    def wear(self, member: Member) -> None:
        """Have another one take over where it has answered as many as it may."""
        most = self._pool.revision.max_requests
        if most is not None and member.memory.answered >= most:
            self.swap(member)

    def swap(self, member: Member) -> None:
        if self.successor is None and member is self.member and self._next is None and not self._pool.resting:
            self._begin()

    def ended(self, member: Member) -> None:
        starting = member is self.successor or (member is self.member and not self._ready_at)
        if member is self.successor:
            self.successor = None
        elif member is self.member:
            self.member, self.successor = self.successor, None
        else:
            return  # it had retired
        self._forget_deadline()
        if starting and member.process.is_forked and not member.retiring and not self._pool.resting:
            self._pool.distrust(
                "a worker that was forked did not come up"
            )  # it is tried once more, by itself
            self._later(0.0)
            return
        if starting:
            failure = _failure(member, self._said, self._pool)
            if failure.traceback is None and not member.ended_for:  # else the log has it
                member.process.note(failure.message)
            self._start_failed(failure)
            return
        if member.retiring:  # nobody needs another one
            return
        if not member.ended_for:
            member.process.note(f"The worker {refusals.ending(member.process.status)}.")
        self.restarts.count += 1
        if self.member is None:
            self._later(self.restarts.ended(time.monotonic() - self._ready_at))
            self._ready_at = 0.0

    def status(self) -> WorkerStatus:
        member = self.member
        restarts = self.restarts.count
        if member is None:
            return WorkerStatus(self.number, "Dead", None, restarts)
        resident, seconds = usage(member.process.pid)
        state = "Starting" if not member.ready else "Busy" if member.sent else "Ready"
        return WorkerStatus(self.number, state, member.process.pid, restarts, resident, seconds)

    def _begin(self) -> None:
        self._next = None
        self._said = None
        if self._pool.warming and not self._waits:  # it would load the same packages itself
            self._waits = True
            self._next = asyncio.get_running_loop().call_later(LONGEST_LOADING, self._begin)
            return
        self._waits = False
        try:
            member = self._pool.started(self.number)
        except OSError as error:
            python = self._pool.revision.python
            reason = error.strerror or str(error)
            self._start_failed(
                Failure(f"The worker could not be started with {python}: {reason}.", revision=self._id)
            )
            return
        if self.member is None:
            self.member = member
            self._ready_at = 0.0
        else:
            self.successor = member
        loop = asyncio.get_running_loop()
        self._deadline = loop.call_later(self._pool.limits.init_timeout_s, self._took_too_long, member)
        self._pool.report()

    @property
    def _id(self) -> int:
        return self._pool.revision.id

    def _took_too_long(self, member: Member) -> None:
        member.tell_and_end(
            f"init() took longer than {self._pool.limits.init_timeout_s:g} s (init_timeout_seconds)"
        )

    def _start_failed(self, failure: Failure) -> None:
        pause = self.restarts.start_failed()
        self._pool.error = failure
        self._pool.report()
        if self.restarts.hopeless(self._pool.has_answered):
            self._pool.give_up()
        else:
            self._later(pause)

    def _later(self, pause: float) -> None:
        if not self._pool.resting:
            self._next = asyncio.get_running_loop().call_later(pause, self._begin)

    def _forget_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def _failure(member: Member, said: dict[str, Any] | None, pool: Pool) -> Failure:
    status = member.process.status
    code = os.WEXITSTATUS(status) if status is not None and os.WIFEXITED(status) else None
    signalled = refusals.signal_name(status) if status is not None and os.WIFSIGNALED(status) else None
    if said is not None:
        message, trace = str(said.get("message")), said.get("traceback")
        return Failure(message, trace, code, signalled, pool.revision.id)
    if member.ended_for:
        return Failure(f"{member.ended_for}.", None, code, signalled, pool.revision.id)
    message = f"The worker {refusals.ending(status)} before init() had returned."
    return Failure(message, None, code, signalled, pool.revision.id)


def usage(pid: int | None) -> tuple[int, float]:
    """Resident bytes and CPU seconds of a process; zeros where it is gone."""
    if pid is None:
        return 0, 0.0
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123  read again and again
            text = file.read()
    except OSError:
        return 0, 0.0
    fields = text[text.rindex(b")") + 2 :].split()
    return int(fields[21]) * _PAGE, (int(fields[11]) + int(fields[12])) / _TICKS
