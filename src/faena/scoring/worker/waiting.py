"""Waits for what the front sends. Where requests come one by one, each soon after the last, it looks before it sleeps.

A core that sleeps is woken in tens of microseconds on a virtual machine: longer than a short request takes. Where
several requests come at a time, or none for a while, nothing is looked for: other processes have the core.
"""

from __future__ import annotations

import os
import time

from . import cores, wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket

_SHORT = 0.0005
"""Seconds of waiting after which the next request is looked for, too."""
_LOOK = 0.0002
_SURE = 8
"""Requests that have to come so, one after the other."""
_PAUSE = 32
"""And those that have to, once one was looked for in vain."""


class Waiting:
    def __init__(self, front: socket.socket, cells: memoryview) -> None:
        self._read = front.recv_into
        self._cells = cells
        self._running = 0
        self._since = 0.0
        self._alone = -_SURE
        self._can_look = cores.available() >= 2

    def read(self, buffer: bytearray) -> int:
        """How many bytes came; 0: the front is gone."""
        cells = self._cells
        running = cells[wire.RUNNING]
        began = time.monotonic()
        if running - self._running == 1 and self._since < _SHORT:
            self._alone = min(self._alone + 1, 0)
        else:
            self._alone = min(self._alone, -_SURE)
        self._running = running
        if self._alone == 0 and self._can_look:
            until = began + _LOOK
            while cells[wire.SENT] <= running:
                os.sched_yield()
                if time.monotonic() > until:
                    self._alone = -_PAUSE
                    break
        got = self._read(buffer)
        self._since = time.monotonic() - began
        return got
