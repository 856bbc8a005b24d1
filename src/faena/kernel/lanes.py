"""Blocking work by kind, each on few threads of its own, so that what is slow holds up its own kind alone.

What takes milliseconds goes by `asyncio.to_thread`, whose few threads all requests share.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Lane:
    def __init__(self, name: str, threads: int) -> None:
        self._name = name
        self._threads = threads
        self._pool: ThreadPoolExecutor | None = None

    async def run(self, work: Callable[P, T], *arguments: P.args, **options: P.kwargs) -> T:
        """Off the event loop, after what came to this lane before, where all its threads are busy."""
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix=self._name)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._pool, copy_context().run, partial(work, *arguments, **options)
        )


BYTES = Lane("bytes", 8)
"""Files that people fetch and copy, and walks through folders: each may take minutes."""
ARRIVING = Lane("arriving", 32)
"""Reads of what is on its way here, which mostly wait."""
FEW_BYTES = Lane("few-bytes", 4)
"""Files of at most `FEW`, as source folders have them: each takes a second at most, or a minute where a bucket has to
have it and does not answer."""
KEEPING = Lane("keeping", 8)
"""Larger ones that are kept: those that are fetched do not wait for a bucket that does not answer."""
FEW = 32 << 20
RUNS = Lane("runs", 4)
"""What runners bring at a run's end: the files that it left, its books."""

CHECKPOINTS = Lane("checkpoints", 2)
"""What scripts have written so far, taken while they run: no end of a run waits for it."""


def for_bytes(count: int) -> Lane:
    return FEW_BYTES if count <= FEW else KEEPING
