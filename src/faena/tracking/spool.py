"""Reads the frames that a process logged, whatever the cuts between batches and whatever is broken among them.

    magic fa e1 | kind u8 | 0 u8 | payload length u32 | crc32 u32 | payload          little-endian

The CRC covers the first 8 bytes and the payload. Almost all frames are single numbers, 40 bytes each: they are
read as arrays. A frame that is cut short is waited for, unless a whole frame stands after it: then its write
was torn. After bytes that make no sense reading resumes at the next whole frame.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from enum import Enum, auto
from functools import cache
from typing import TYPE_CHECKING
from zlib import crc32

from msgspec import Struct, field

from faena.tracking import spool_events
from faena.tracking.arrays import np
from faena.tracking.crc import crc32_each
from faena.tracking.model import Event
from faena.tracking.points import FLOAT, INT, JSON, Points
from faena.tracking.writer_clock import WriterClock

if TYPE_CHECKING:
    import numpy.typing as npt

    _Columns = tuple[npt.NDArray[np.int64], ...]

LONGEST_PAYLOAD = 64 << 20
"""Bytes; a header that claims more is taken for a broken one."""

_MAGIC = b"\xfa\xe1"
_HEADER = struct.Struct("<2sBBII")
_NUMBER = struct.Struct("<qqqI")
_NUMBER_SIZE = _HEADER.size + _NUMBER.size
_NAME, _FLOAT, _INT, _EVENT, _HELLO, _END = 1, 2, 3, 4, 5, 6

_FLOAT_HEAD = _MAGIC + bytes([_FLOAT, 0]) + _NUMBER.size.to_bytes(4, "little")
_INT_HEAD = _MAGIC + bytes([_INT, 0]) + _NUMBER.size.to_bytes(4, "little")
_HEADS = (_FLOAT_HEAD, _INT_HEAD)
_SEEDS = (crc32(_FLOAT_HEAD), crc32(_INT_HEAD))
_INT_DIFFERS = crc32(bytes(_NUMBER.size), _SEEDS[0]) ^ crc32(bytes(_NUMBER.size), _SEEDS[1])
"""What the CRC of an INT frame is XORed with, against a FLOAT frame of the same payload."""

_AHEAD = 15 * _NUMBER_SIZE
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
        self._points = _Points(names, clock)

    def read(self) -> Batch:
        while self._at < self._end:
            if self._data[self._at + _AHEAD : self._at + _AHEAD + 8] in _HEADS and self._read_numbers():
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
                self._at += _HEADER.size + _HEADER.unpack_from(self._data, self._at)[3]
                found.append(self._data[start : self._at])
                start = self._at
            elif not self._resume():
                break
        return [*found, self._data[start:]] if start < self._end else found

    def _read_numbers(self) -> int:
        """Read numbers as arrays as far as they go; returns how many there were."""
        total, window = 0, _FIRST_WINDOW
        while True:
            count = min(window, (self._end - self._at) // _NUMBER_SIZE)
            frames = np.frombuffer(self._data, _frame(), count, self._at)
            good = _whole_numbers(frames)
            read = count if good.all() else int(good.argmin())
            if read:
                self._points.add_frames(frames[:read])
                self._at += read * _NUMBER_SIZE
                total += read
            if read < window:
                return total
            window = min(8 * window, _LARGEST_WINDOW)

    def _read_frame(self) -> None:
        _, kind, _, size, _ = _HEADER.unpack_from(self._data, self._at)
        start = self._at + _HEADER.size
        self._at = start + size
        if kind in (_FLOAT, _INT):
            time, step, bits, number = _NUMBER.unpack_from(self._data, start)
            self._points.add(time, step, bits, number, FLOAT if kind == _FLOAT else INT)
            return
        try:
            self._interpret(kind, self._data[start : self._at])
        except spool_events.Unreadable:
            self._batch.bad_bytes += _HEADER.size + size

    def _interpret(self, kind: int, payload: bytes) -> None:
        if kind == _NAME:
            number, name = spool_events.definition(payload)
            if self._points.define(number, name):
                self._batch.defined[number] = name
        elif kind == _EVENT:
            logged = spool_events.parse(payload)
            if isinstance(logged, Event):
                self._batch.events.append(logged)
            else:
                self._points.add_logged(logged)
        elif kind == _END and (lost := spool_events.end(payload, self._writer)):
            self._batch.events.append(lost)

    def _state(self, at: int) -> _State:
        left = self._end - at
        if left < _HEADER.size:
            begins = self._data.startswith(_MAGIC[:left], at)
            return _State.INCOMPLETE if begins else _State.BROKEN
        magic, kind, zero, size, crc = _HEADER.unpack_from(self._data, at)
        if magic != _MAGIC or kind == 0 or zero or size > LONGEST_PAYLOAD:
            return _State.BROKEN
        if kind in (_FLOAT, _INT) and size != _NUMBER.size:
            return _State.BROKEN
        if left < _HEADER.size + size:
            return _State.INCOMPLETE
        payload = self._data[at + _HEADER.size : at + _HEADER.size + size]
        found = crc32(payload, crc32(self._data[at : at + 8]))
        return _State.WHOLE if found == crc else _State.BROKEN

    def _resume(self) -> bool:
        """Step over what is broken, to the next whole frame; without one, to where the next batch must start."""
        hope = None
        at = self._data.find(_MAGIC, self._at)
        while at >= 0:
            state = self._state(at)
            if state is _State.WHOLE:
                self._discard(at)
                return True
            if state is _State.INCOMPLETE and hope is None:
                hope = at
            at = self._data.find(_MAGIC, at + 1)
        if hope is None:
            hope = self._end - self._data.endswith(_MAGIC[:1])
        self._discard(self._end if self._closing else hope)
        return False

    def _discard(self, until: int) -> None:
        self._batch.bad_bytes += until - self._at
        self._at = until


def number_frames(points: Points, number: int) -> bytes:
    """Points without payloads as frames of the metric whose id is `number`."""
    frames = np.empty(len(points), _frame())
    integer = points.kind == INT
    heads = [int.from_bytes(head, "little") for head in (_INT_HEAD, _FLOAT_HEAD)]
    frames["head"] = np.where(integer, np.uint64(heads[0]), np.uint64(heads[1]))
    frames["time"], frames["step"], frames["bits"] = points.time, points.step, points.bits
    frames["id"] = number
    octets = frames.view(np.uint8).reshape(-1, _NUMBER_SIZE)
    frames["crc"] = crc32_each(octets[:, _HEADER.size :], _SEEDS[0])
    frames["crc"] ^= _differences(integer)
    return frames.tobytes()


def _whole_numbers(frames: npt.NDArray[np.void]) -> npt.NDArray[np.bool_]:
    integer = frames["head"] == int.from_bytes(_INT_HEAD, "little")
    head = integer | (frames["head"] == int.from_bytes(_FLOAT_HEAD, "little"))
    octets = frames.view(np.uint8).reshape(-1, _NUMBER_SIZE)
    found = crc32_each(octets[:, _HEADER.size :], _SEEDS[0])
    found ^= _differences(integer)
    good: npt.NDArray[np.bool_] = head & (found == frames["crc"])
    return good


def _differences(integer: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint32]:
    return np.where(integer, np.uint32(_INT_DIFFERS), np.uint32(0))


@cache
def _frame() -> np.dtype[np.void]:
    return np.dtype(
        [("head", "<u8"), ("crc", "<u4"), ("time", "<i8"), ("step", "<i8"), ("bits", "<i8"), ("id", "<u4")]
    )


class _Points:
    """Collects points in the order of the file, then parts them by name.

    A definition holds from its place in the file on, so that cuts between batches change nothing. Names that
    events bring have ids below zero.
    """

    def __init__(self, names: Mapping[int, str], clock: WriterClock | None) -> None:
        self._names = names
        self.clock = clock
        self._definitions: dict[int, list[tuple[int, str]]] = {}
        self._event_names: dict[str, int] = {}
        self._payloads: list[bytes] = []
        self._runs: list[_Columns] = []
        self._single: list[tuple[int, int, int, int, int]] = []
        self._count = 0

    def define(self, number: int, name: str) -> bool:
        """Whether that is news."""
        known = self._definitions.get(number)
        if name == (known[-1][1] if known else self._names.get(number)):
            return False
        self._definitions.setdefault(number, []).append((self._count, name))
        return True

    def add(self, time: int, step: int, bits: int, number: int, kind: int) -> None:
        self._single.append((time, step, bits, number, kind))
        self._count += 1

    def add_logged(self, logged: spool_events.Logged) -> None:
        number = self._event_names.setdefault(logged.name, -1 - len(self._event_names))
        bits = logged.bits
        if logged.payload:
            bits = len(self._payloads)
            self._payloads.append(logged.payload)
        self.add(logged.time, logged.step, bits, number, logged.kind)

    def add_frames(self, frames: npt.NDArray[np.void]) -> None:
        self._flush()
        kind = (frames["head"] >> np.uint64(16)).astype(np.uint8) - np.uint8(_FLOAT)
        columns = [frames[name].astype(np.int64) for name in ("time", "step", "bits", "id")]
        self._runs.append((*columns, kind.astype(np.int64)))
        self._count += len(frames)

    def by_name(self, writer: str) -> dict[str, Points]:
        self._flush()
        if not self._runs:
            return {}
        time, step, bits, ids, kinds = (
            np.concatenate(column) if len(column) > 1 else column[0]
            for column in zip(*self._runs, strict=True)
        )
        if self.clock is not None:
            time = self._in_order(time, bits, kinds)
        places: dict[str, list[npt.NDArray[np.intp]]] = {}
        for number, found in _groups(ids):
            for name, part in self._named(number, found, writer):
                places.setdefault(name, []).append(part)
        kind = kinds.astype(np.uint8)
        points: dict[str, Points] = {}
        for name, parts in places.items():
            order = parts[0] if len(parts) == 1 else np.sort(np.concatenate(parts))
            part_of = Points(time[order], step[order], bits[order], kind[order])
            if self._payloads and bool((part_of.kind == JSON).any()):
                part_of = part_of.with_payloads(self._payloads)
            points[name] = part_of
        return points

    def _in_order(
        self, time: npt.NDArray[np.int64], bits: npt.NDArray[np.int64], kinds: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.int64]:
        """Times that never go back, also in the records that hold theirs as text."""
        assert self.clock is not None
        shown, self.clock = self.clock.continued(time)
        if shown is not time and self._payloads:
            for place in np.flatnonzero((shown != time) & (kinds == JSON)).tolist():
                payload = int(bits[place])
                self._payloads[payload] = spool_events.with_time(self._payloads[payload], int(shown[place]))
        return shown

    def _named(
        self, number: int, found: npt.NDArray[np.intp], writer: str
    ) -> list[tuple[str, npt.NDArray[np.intp]]]:
        if number < 0:
            return [(list(self._event_names)[-1 - number], found)]
        name = self._names.get(number, f"unnamed {number} of {writer}")
        parts, start = [], 0
        for place, following in self._definitions.get(number, ()):
            stop = int(np.searchsorted(found, place))
            parts.append((name, found[start:stop]))
            name, start = following, stop
        parts.append((name, found[start:]))
        return [(name, part) for name, part in parts if len(part)]

    def _flush(self) -> None:
        if self._single:
            columns = np.array(self._single, np.int64).T
            time, step, bits, ids, kinds = (np.ascontiguousarray(column) for column in columns)
            self._runs.append((time, step, bits, ids, kinds))
            self._single.clear()


def _groups(ids: npt.NDArray[np.int64]) -> list[tuple[int, npt.NDArray[np.intp]]]:
    """The places of each id, ascending."""
    least, most = int(ids.min()), int(ids.max())
    if least == most:
        return [(least, np.arange(len(ids)))]
    narrow = ids - least
    # Sorting 16-bit numbers is a radix sort: many times faster.
    order = np.argsort(narrow.astype(np.uint16) if most - least < 1 << 16 else narrow, kind="stable")
    ordered = ids[order]
    starts = np.flatnonzero(np.diff(ordered)) + 1
    bounds = [0, *starts.tolist(), len(ids)]
    firsts = ordered[bounds[:-1]].tolist()
    return [(first, order[bounds[i] : bounds[i + 1]]) for i, first in enumerate(firsts)]
