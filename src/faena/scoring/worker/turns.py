"""How soon a process gets a core that others are using: it asks for short turns, and so for its next one earlier.

Linux 6.12 and newer give each process as much as before, in the turns that it asks for. Who only wakes to answer a
request would otherwise wait until a process that computes has had its own, some milliseconds.
"""

from __future__ import annotations

import ctypes
import platform
import struct
import sys

NANOSECONDS = 250_000
_ATTRIBUTES = struct.Struct("<IIQiIQQQII")
"""Size, policy, flags, nice, priority, runtime, deadline, period, and two that are left as they are."""
_CALLS = {"x86_64": (314, 315), "aarch64": (274, 275)}
"""sched_setattr and sched_getattr."""


def be_short() -> None:
    """Of this thread, those that it starts and its children. Elsewhere than on such a Linux nothing is changed."""
    calls = _CALLS.get(platform.machine()) if sys.platform == "linux" else None
    if calls is None or sys.maxsize < 1 << 32:
        return
    try:
        call = ctypes.CDLL(None).syscall
        buffer = ctypes.create_string_buffer(_ATTRIBUTES.size)
        if call(calls[1], 0, buffer, _ATTRIBUTES.size, 0):
            return
        size, policy, flags, nice, priority, _, *rest = _ATTRIBUTES.unpack(buffer.raw)
        if policy == 0:  # the usual one
            told = _ATTRIBUTES.pack(size, policy, flags, nice, priority, NANOSECONDS, *rest)
            call(calls[0], 0, told, 0)
    except (OSError, AttributeError):
        pass
