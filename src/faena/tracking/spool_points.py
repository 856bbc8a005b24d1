"""Points as they stand in a spool's file, parted by the names of their metrics."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from faena.tracking import spool_events
from faena.tracking.arrays import np
from faena.tracking.points import JSON, Points
from faena.tracking.spool_frames import FLOAT_KIND
from faena.tracking.writer_clock import WriterClock

if TYPE_CHECKING:
    import numpy.typing as npt

    _Columns = tuple[npt.NDArray[np.int64], ...]


class SpoolPoints:
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
        kind = (frames["head"] >> np.uint64(16)).astype(np.uint8) - np.uint8(FLOAT_KIND)
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
