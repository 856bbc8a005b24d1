"""Time: UTC in whole microseconds for what is stored, monotonic seconds for what is measured."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol, runtime_checkable

Micros = int
"""Microseconds since 1970-01-01T00:00:00Z."""


@runtime_checkable
class Clock(Protocol):
    def now(self) -> Micros:
        """Wall time. May jump when the machine's clock is set."""

    def monotonic(self) -> float:
        """Seconds from an arbitrary start; never goes back. For leases and idle times."""


class SystemClock:
    def now(self) -> Micros:
        return time.time_ns() // 1000

    def monotonic(self) -> float:
        return time.monotonic()


def seconds_between(start: Micros, end: Micros) -> float:
    """How long it took; never less than nothing, also where the clock was put back meanwhile."""
    return max(0, end - start) / 1e6


def iso(at: Micros) -> str:
    """`2026-11-22T10:15:30.123456Z`."""
    return datetime.fromtimestamp(at / 1e6, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
