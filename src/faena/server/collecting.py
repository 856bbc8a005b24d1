"""When a server looks for cyclic garbage among what stays, and how its threads take turns.

Python looks at all objects whenever a quarter more of them stay: with a thousand nodes, whose connections and held
requests are half a million of them, for 0.1 s every few seconds, in which nobody is answered, and finds nothing. And
whatever is held for seconds is looked at, some hundred thousand objects a minute, though it goes by itself.

What the C library keeps of what was freed, such as blocks of large files, goes back to the system by the clock, too.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import gc
import sys

_BURST, _NEVER = 50_000, 1_000_000_000
"""More new objects than old ones that went, after which Python looks at the new ones all the same."""
_BETWEEN = 60.0
"""Seconds between looks at what is new: a thousand requests that nodes hold are 0.4 million objects."""
_DUE = 10
"""Looks, of which the last is at all that came since one was at that: what stays then is not looked at again, but …"""
_WHOLE = 6 * _DUE
"""… once in an hour."""
_TURN = 0.0005
"""Seconds for which a thread that computes keeps others waiting. With Python's own 0.005 the event loop, which lets go
at each system call, waits for as long at each of the ten or twenty that a request takes."""


class Collecting:
    """From its beginning on this process looks by the clock, where Python would by counting."""

    def __init__(self) -> None:
        gc.set_threshold(_BURST, _NEVER, _NEVER)
        sys.setswitchinterval(_TURN)
        self._looks = 0

    def look(self) -> None:
        """Collect what is new, or more if it is time for that."""
        self._looks += 1
        if self._looks % _DUE:
            gc.collect(1)
            return
        if not self._looks % _WHOLE:
            gc.unfreeze()
        gc.collect()
        gc.freeze()


def give_memory_back() -> None:
    """Silent where the C library has no way to."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


async def collect_now_and_then() -> None:
    """Never returns."""
    collecting = Collecting()
    while True:
        await asyncio.sleep(_BETWEEN)
        collecting.look()
        await asyncio.to_thread(give_memory_back)
