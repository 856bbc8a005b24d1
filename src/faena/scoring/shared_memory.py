"""The memory that a worker and its front have mapped: what runs, and a ring of answers."""

from __future__ import annotations

import mmap
import os
from collections import deque

import msgspec

from faena.scoring.exchange import Answer
from faena.scoring.frames import BadFrame
from faena.scoring.pending import Pending
from faena.scoring.worker import wire

_MASK = wire.RING - 1
_MICROS = b"x-ms-run-fn-exec-ms"
_FINE = (b"x-ms-run-function-failed", b"False")
_RAISED = (b"x-ms-run-function-failed", b"True")


_SHORT = 1000


def _told(flags: int, micros: int) -> tuple[tuple[bytes, bytes], ...]:
    """Headers that say how the request ran."""
    return (_RAISED if flags & wire.RAISED else _FINE, (_MICROS, b"%.3f" % (micros / 1000)))


_fine = [_told(0, micros) for micros in range(_SHORT)]
"""Those of short requests that went well: making them costs as much as the rest of an answer."""


class _About(msgspec.Struct):
    content_type: str
    headers: list[tuple[str, str]]


_about = msgspec.json.Decoder(_About)


class SharedMemory:
    def __init__(self) -> None:
        self.descriptor = os.memfd_create("faena-worker")
        """The worker's; to be closed once it has it."""
        os.ftruncate(self.descriptor, wire.PAGE + wire.RING)
        self._map = mmap.mmap(self.descriptor, wire.PAGE + wire.RING)
        view = memoryview(self._map)
        self._cells = view[: wire.PAGE].cast("Q")
        self._times = view[: wire.PAGE].cast("d")
        self._tail = 0
        self._seen = 0
        self.answered = 0
        """Answers that were taken out, ever."""
        self.micros = 0
        """How long they ran, all together."""
        self.not_begun: list[Pending] = []
        """Those that seemed begun when they were revoked, and were not."""

    @property
    def running(self) -> int:
        """The last request that was begun."""
        return self._cells[wire.RUNNING]

    @property
    def at_once(self) -> tuple[int, int]:
        """The first and the last of those that are run now: one, unless they make a batch."""
        first = self._cells[wire.FIRST]
        return (first, self._cells[wire.LAST]) if first else (self.running, self.running)

    @property
    def since(self) -> float:
        """When the last request was begun, in monotonic seconds."""
        return self._times[wire.SINCE]

    def revoke(self, number: int) -> None:
        """Those up to this one that have not been begun shall not be.

        What the worker begins at this very moment it may not have read yet; a millisecond later it has.
        """
        self._cells[wire.REVOKED] = number

    def note_sent(self, number: int) -> None:
        """The worker may be looking for it."""
        self._cells[wire.SENT] = number

    def look(self, looking: bool) -> None:
        """Whether somebody looks here all the time, and needs no bell."""
        self._cells[wire.LOOKING] = looking

    def has_answers(self) -> bool:
        return self._cells[wire.HEAD_AT] != self._tail

    def take_settled(self, sent: deque[Pending]) -> int:
        """As `take`, only what was there at the last call already: nothing but time has ordered the worker's writes."""
        until, self._seen = self._seen, self._cells[wire.HEAD_AT]
        return self.take(sent, until)

    def take(self, sent: deque[Pending], until: int | None = None) -> int:
        """Give out the answers that are there, as long as they are to the first of `sent`; how many there were.

        Raises BadFrame.
        """
        head = self._cells[wire.HEAD_AT] if until is None else until
        tail, memory = self._tail, self._map
        if head <= tail:
            return 0
        if head - tail > wire.RING:
            raise BadFrame(f"a ring with {head - tail:,} bytes")
        unpack, size = wire.RECORD.unpack_from, wire.RECORD.size
        taken = micros = 0
        while tail < head:
            at = wire.PAGE + (tail & _MASK)
            number, length, ran, body, described, status, flags, _ = unpack(memory, at)
            if not length:
                tail += wire.RING - (tail & _MASK)
                continue
            if status == wire.NOT_BEGUN:
                self._return(sent, number)
                tail += length
                continue
            if not sent or number != sent[0].number:  # the one before it comes by the socket
                break
            start = at + size
            behind = start + described
            if length < size + described + body or at + length > wire.PAGE + wire.RING:
                raise BadFrame(f"a record of {length:,} bytes with a body of {body:,}")
            about = memory[start:behind] if described else b""
            pending = sent.popleft()
            tail += length
            taken += 1
            micros += ran
            if pending.reply is not None:
                self._tail = tail
                pending.reply(_answer(status, flags, ran, about, memory[behind : behind + body]))
        self._tail = self._cells[wire.TAIL_AT] = tail
        self.answered += taken
        self.micros += micros
        return taken

    def _return(self, sent: deque[Pending], number: int) -> None:
        """Of a request that was revoked, and is not taken back yet."""
        for pending in sent:
            if pending.number == number:
                sent.remove(pending)
                self.not_begun.append(pending)
                return

    def take_large(self, sent: deque[Pending], data: bytes) -> None:
        """Give out one that came by the socket. Raises BadFrame."""
        try:
            number, _, ran, body, described, status, flags, _ = wire.RECORD.unpack_from(data)
        except Exception as error:
            raise BadFrame(str(error)) from error
        if status == wire.NOT_BEGUN:
            self._return(sent, number)
            return
        start = wire.RECORD.size + described
        if len(data) != start + body or not sent:
            raise BadFrame(f"an answer of {len(data):,} bytes with a body of {body:,}")
        pending = sent.popleft()
        self.answered += 1
        self.micros += ran
        if pending.reply is not None:
            pending.reply(_answer(status, flags, ran, data[wire.RECORD.size : start], data[start:]))


def _answer(status: int, flags: int, micros: int, about: bytes, body: bytes) -> Answer:
    ran = _fine[micros] if not flags and micros < _SHORT else _told(flags, micros)
    if not about:
        return Answer(status, body, b"application/json", ran)
    try:
        known = _about.decode(about)
    except msgspec.DecodeError as error:
        raise BadFrame(str(error)) from error
    given = tuple((name.encode("latin-1"), value.encode("latin-1")) for name, value in known.headers)
    return Answer(status, body, known.content_type.encode("latin-1"), ran + given)
