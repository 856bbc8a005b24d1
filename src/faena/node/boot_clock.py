"""Seconds since an arbitrary moment, those included in which the machine slept. Python 3.6 and the standard library."""

from __future__ import annotations

import time

_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def now() -> float:
    return time.clock_gettime(_CLOCK)
