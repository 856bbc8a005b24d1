"""Reads the frames that a process logged, whatever the cuts between batches and whatever is broken among them.

    magic fa e1 | kind u8 | 0 u8 | payload length u32 | crc32 u32 | payload          little-endian

The CRC covers the first 8 bytes and the payload. Almost all frames are single numbers, 40 bytes each: they are
read as arrays. A frame that is cut short is waited for, unless a whole frame stands after it: then its write
was torn. After bytes that make no sense reading resumes at the next whole frame.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, auto
from zlib import crc32

from msgspec import Struct, field

from faena.tracking import spool_events
from faena.tracking.arrays import np
from faena.tracking.model import Event
from faena.tracking.points import FLOAT, INT, Points
from faena.tracking.spool_frames import (
    END,
    EVENT,
    FLOAT_KIND,
    HEADER,
    HEADS,
    INT_KIND,
    MAGIC,
    NAME,
    NUMBER,
    NUMBER_SIZE,
    are_whole,
    number_frame,
)
from faena.tracking.spool_points import SpoolPoints
from faena.tracking.writer_clock import WriterClock

LONGEST_PAYLOAD = 64 << 20
"""Bytes; a header that claims more is taken for a broken one."""

_AHEAD = 15 * NUMBER_SIZE
"""Numbers are read as arrays where a number stands this far ahead: below that, one by one is faster."""
_FIRST_WINDOW, _LARGEST_WINDOW = 64, 65536
"""Frames looked at together, growing while all are numbers: an interruption costs one small window."""


class Batch(Struct):
    """What a batch of bytes holds. `consumed`: bytes to acknowledge. `defined`: names that are new, by id."""

    consumed: int = 0
    bad_bytes: int = 0
    points: dict[str, Points] = field(default_factory=dict)
    defined: dict[int, str] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    clock: WriterClock | None = None


def read(
    data: bytes,
    names: Mapping[int, str],
    writer: str,
    *,
    closing: bool = False,
    clock: WriterClock | None = None,
) -> Batch:
    """The frames in `data`, which starts where the last batch was consumed.

    `clock`: the writer's, after the last batch; times that go back are taken for those of a clock that was put back.
    None: times are left as they are, as several writers in one file have them.

    `names`: the metric names that earlier batches defined, by id. A point whose definition was lost is kept under
    `unnamed <id> of <writer>`. Incomplete frames at the end are left for the next batch; when `closing` there is
    none, and they count as bad.
    """
    return _Reader(data, names, writer, closing, clock).read()


def pieces(data: bytes) -> list[bytes]:
    """`data` in as many parts as can be read by themselves: one for each whole frame, with what is broken before it."""
    reader = _Reader(data, {}, "", closing=False, clock=None)
    return reader.pieces()


class _State(Enum):
    WHOLE = auto()
    INCOMPLETE = auto()
    BROKEN = auto()


class _Reader:
    def __init__(
        self, data: bytes, names: Mapping[int, str], writer: str, closing: bool, clock: WriterClock | None
    ) -> None:
        self._data, self._end, self._at = data, len(data), 0
        self._closing, self._writer = closing, writer
        self._batch = Batch()
        self._points = SpoolPoints(names, clock)

    def read(self) -> Batch:
        while self._at < self._end:
            if self._data[self._at + _AHEAD : self._at + _AHEAD + 8] in HEADS and self._read_numbers():
                continue
            if self._state(self._at) is _State.WHOLE:
                self._read_frame()
            elif not self._resume():
                break
        self._batch.consumed = self._at
        self._batch.points = self._points.by_name(self._writer)
        self._batch.clock = self._points.clock
        return self._batch

    def pieces(self) -> list[bytes]:
        found: list[bytes] = []
        start = 0
        while self._at < self._end:
            if self._state(self._at) is _State.WHOLE:
                self._at += HEADER.size + HEADER.unpack_from(self._data, self._at)[3]
                found.append(self._data[start : self._at])
                start = self._at
            elif not self._resume():
                break
        return [*found, self._data[start:]] if start < self._end else found

    def _read_numbers(self) -> int:
        """Read numbers as arrays as far as they go; returns how many there were."""
        total, window = 0, _FIRST_WINDOW
        while True:
            count = min(window, (self._end - self._at) // NUMBER_SIZE)
            frames = np.frombuffer(self._data, number_frame(), count, self._at)
            good = are_whole(frames)
            read = count if good.all() else int(good.argmin())
            if read:
                self._points.add_frames(frames[:read])
                self._at += read * NUMBER_SIZE
                total += read
            if read < window:
                return total
            window = min(8 * window, _LARGEST_WINDOW)

    def _read_frame(self) -> None:
        _, kind, _, size, _ = HEADER.unpack_from(self._data, self._at)
        start = self._at + HEADER.size
        self._at = start + size
        if kind in (FLOAT_KIND, INT_KIND):
            time, step, bits, number = NUMBER.unpack_from(self._data, start)
            self._points.add(time, step, bits, number, FLOAT if kind == FLOAT_KIND else INT)
            return
        try:
            self._interpret(kind, self._data[start : self._at])
        except spool_events.Unreadable:
            self._batch.bad_bytes += HEADER.size + size

    def _interpret(self, kind: int, payload: bytes) -> None:
        if kind == NAME:
            number, name = spool_events.definition(payload)
            if self._points.define(number, name):
                self._batch.defined[number] = name
        elif kind == EVENT:
            logged = spool_events.parse(payload)
            if isinstance(logged, Event):
                self._batch.events.append(logged)
            else:
                self._points.add_logged(logged)
        elif kind == END and (lost := spool_events.end(payload, self._writer)):
            self._batch.events.append(lost)

    def _state(self, at: int) -> _State:
        left = self._end - at
        if left < HEADER.size:
            begins = self._data.startswith(MAGIC[:left], at)
            return _State.INCOMPLETE if begins else _State.BROKEN
        magic, kind, zero, size, crc = HEADER.unpack_from(self._data, at)
        if magic != MAGIC or kind == 0 or zero or size > LONGEST_PAYLOAD:
            return _State.BROKEN
        if kind in (FLOAT_KIND, INT_KIND) and size != NUMBER.size:
            return _State.BROKEN
        if left < HEADER.size + size:
            return _State.INCOMPLETE
        payload = self._data[at + HEADER.size : at + HEADER.size + size]
        found = crc32(payload, crc32(self._data[at : at + 8]))
        return _State.WHOLE if found == crc else _State.BROKEN

    def _resume(self) -> bool:
        """Step over what is broken, to the next whole frame; without one, to where the next batch must start."""
        hope = None
        at = self._data.find(MAGIC, self._at)
        while at >= 0:
            state = self._state(at)
            if state is _State.WHOLE:
                self._discard(at)
                return True
            if state is _State.INCOMPLETE and hope is None:
                hope = at
            at = self._data.find(MAGIC, at + 1)
        if hope is None:
            hope = self._end - self._data.endswith(MAGIC[:1])
        self._discard(self._end if self._closing else hope)
        return False

    def _discard(self, until: int) -> None:
        self._batch.bad_bytes += until - self._at
        self._at = until
