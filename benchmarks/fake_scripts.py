"""What scripts write that are not there: lines of a log, or metrics as `Run.log` writes them.

The value of a point follows from its run, metric and step, so that who counts them afterwards can tell what should be
there: `values`.
"""

from __future__ import annotations

import time
from zlib import crc32

import numpy as np
import numpy.typing as npt

from faena.script.frames import AS_FLOAT, definition, hello, pack_point

METRICS = tuple(f"metric {number}" for number in range(10))
_STRIDE = 2_654_435_761
_LINE = b"epoch 1 loss 0.5\n"
_LINES = 30.0
"""Seconds between lines of a script that logs nothing."""
SPOOL = "spool/1-0000000a"


class Script:
    """What was written and not acknowledged yet, by stream: its offset and the bytes from there on."""

    def __init__(self, log: str, seconds: float, first: float) -> None:
        """A line each so many seconds, the first one after `first`."""
        self._log, self._seconds = log, seconds
        self._next = time.monotonic() + first
        self._waiting: dict[str, tuple[int, bytearray]] = {}
        self.steps = 0

    def write(self, now: float) -> None:
        """What has been due since the last time. `now`: of the monotonic clock."""
        while now >= self._next:
            self._next += self._seconds
            self._add(self._log, _LINE)

    def grown(self, *, points: bool = True) -> bool:
        return any(data for name, (_, data) in self._waiting.items() if points or name != SPOOL)

    def batch(self, *, points: bool = True) -> tuple[list[tuple[str, int, int]], bytes]:
        parts = [(name, at, bytes(data)) for name, (at, data) in self._waiting.items() if data]
        parts = [part for part in parts if points or part[0] != SPOOL]
        return [(name, at, len(data)) for name, at, data in parts], b"".join(part[2] for part in parts)

    def acknowledge(self, offsets: dict[str, int]) -> None:
        for name, offset in offsets.items():
            if name in self._waiting:
                at, data = self._waiting[name]
                self._waiting[name] = (offset, data[max(0, offset - at) :])

    def _add(self, stream: str, data: bytes) -> None:
        self._waiting.setdefault(stream, (0, bytearray()))[1].extend(data)


class LoggingScript(Script):
    """As many points a second, of ten metrics, beside a line a second."""

    def __init__(self, log: str, run_id: str, points_a_second: float) -> None:
        super().__init__(log, 1.0, 1.0)
        self._pause = len(METRICS) / points_a_second
        self._seeds = [_seed(run_id, name) for name in METRICS]
        self._began, self._wall = time.monotonic(), time.time_ns() // 1000
        head = [hello(), *(definition(name, number) for number, name in enumerate(METRICS, 1))]
        self._add(SPOOL, b"".join(head))

    def write(self, now: float) -> None:
        super().write(now)
        pack, header, begun = AS_FLOAT
        made = []
        while self._began + (self.steps + 1) * self._pause <= now:
            at = self._wall + int((self.steps + 1) * self._pause * 1e6)
            for number, seed in enumerate(self._seeds, 1):
                value = ((seed + self.steps * _STRIDE) & 0xFFFFFFFF) / 2**32
                payload = pack(at, self.steps, value, number)
                made.append(pack_point(header, crc32(payload, begun), payload))
            self.steps += 1
        if made:
            self._add(SPOOL, b"".join(made))


def values(run_id: str, name: str, steps: int) -> npt.NDArray[np.float64]:
    """What a `LoggingScript` has logged, step by step from 0 on."""
    found = (_seed(run_id, name) + np.arange(steps, dtype=np.uint64) * np.uint64(_STRIDE)) & np.uint64(
        0xFFFFFFFF
    )
    return found.astype(np.float64) / 2**32


def _seed(run_id: str, name: str) -> int:
    return crc32(f"{run_id}/{name}".encode())


def lines(log: str, first: float) -> Script:
    """A script that says something now and then. `first`: a number from 0 to 1, when in the first of its pauses."""
    return Script(log, _LINES, first * _LINES)
