"""The server's log: a line that comes again and again is written once, and later how often it came."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass
from typing import TextIO

_WINDOW = 60.0
"""Seconds for which a line that was written is counted instead."""
_MOST = 256
"""Lines that are known; the oldest is told and forgotten first."""
_LONGEST = 4000
"""Characters of one line's own text."""


@dataclass(slots=True)
class _Line:
    record: logging.LogRecord
    since: float
    more: int = 0


class CountingHandler(logging.StreamHandler[TextIO]):
    """Writes each line, with its traceback, once in `_WINDOW` seconds."""

    def __init__(self, stream: TextIO | None = None) -> None:
        super().__init__(stream)
        self._known: dict[tuple[str, int, str], _Line] = {}

    def emit(self, record: logging.LogRecord) -> None:
        try:
            key = _key(record)
        except Exception:  # noqa: BLE001  a record whose arguments do not fit its text
            self.handleError(record)
            return
        now = time.monotonic()
        self._write(self._over(now))
        if line := self._known.get(key):
            line.more += 1
            return
        if len(self._known) >= _MOST:
            self._write(self._forget(next(iter(self._known))))
        self._known[key] = _Line(record, now)
        self._write([record])

    def tell(self) -> None:
        """Write how often lines came again whose time is over; for when no other line comes."""
        self._tell_before(time.monotonic())

    def close(self) -> None:
        self._tell_before(float("inf"))
        super().close()

    def _tell_before(self, now: float) -> None:
        self.acquire()
        try:
            self._write(self._over(now))
        finally:
            self.release()

    def _write(self, records: list[logging.LogRecord]) -> None:
        for record in records:
            super().emit(record)

    def _over(self, now: float) -> list[logging.LogRecord]:
        over = [key for key, line in self._known.items() if now - line.since >= _WINDOW]
        return [record for key in over for record in self._forget(key)]

    def _forget(self, key: tuple[str, int, str]) -> list[logging.LogRecord]:
        line = self._known.pop(key)
        if not line.more:
            return []
        said = line.record
        times = f"{key[2]} ({line.more:,} times more)"
        return [logging.LogRecord(said.name, said.levelno, said.pathname, said.lineno, times, None, None)]


async def tell_often(handler: CountingHandler) -> None:
    while True:
        await asyncio.sleep(_WINDOW / 2)
        handler.tell()


def _key(record: logging.LogRecord) -> tuple[str, int, str]:
    text = record.getMessage()
    cause = f": {record.exc_info[1]!r}" if record.exc_info and record.exc_info[1] is not None else ""
    return record.name, record.levelno, f"{text}{cause}"[:_LONGEST]
