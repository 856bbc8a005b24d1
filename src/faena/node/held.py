"""A runner that its starter holds by a pipe, which is its standard input: it leaves in good order when the pipe ends.

The starter's own child is no runner but the parent of one. Where that is killed it forks another, which finds on this
host what was left. And whoever kills the children of a process that ends, as Ray does, spares the runner: it hears of
the end of a pipe, ships what it has and leaves.
"""

from __future__ import annotations

import os
import select
import signal
import threading
import time
from contextlib import suppress
from pathlib import Path

_GRACE = 60.0
"""Seconds in which what is held leaves by itself."""
_DEATHS = 3
"""In a row, after which no other runner is forked."""
_STEADY = 60.0
"""Seconds of a runner's life after which its death is the first one again."""
_REST = 0.5
"""Seconds before another one is forked; twice as many each time."""


def part() -> int | None:
    """Fork. None: this process is a runner from here on; else the exit code of the last runner, which has ended."""
    deaths = 0
    while True:
        theirs, ours = os.pipe()
        began = time.monotonic()
        if not (runner := os.fork()):
            _be_called("faena-runner")
            os.close(ours)
            threading.Thread(target=_leave_at_the_end, args=(theirs,), name="held", daemon=True).start()
            return None
        os.close(theirs)
        _be_called("faena-restarter")
        code = os.waitstatus_to_exitcode(os.waitpid(runner, 0)[1])
        os.close(ours)
        if code >= 0:
            return code
        deaths = 1 if time.monotonic() - began > _STEADY else deaths + 1
        if deaths > _DEATHS or _has_ended(_REST * 2 ** (deaths - 1)):
            return 128 - code
        print(f"the runner was killed by signal {-code}: another one takes its place", flush=True)


def _be_called(name: str) -> None:
    """For who lists processes: both have the same words."""
    with suppress(OSError):
        Path("/proc/self/comm").write_text(name, encoding="ascii")


def _has_ended(seconds: float) -> bool:
    """Whether the starter lets go within so many seconds."""
    return bool(select.select([0], [], [], seconds)[0])


def _leave_at_the_end(pipe: int) -> None:
    """Of the starter or of the parent; neither writes anything."""
    select.select([0, pipe], [], [])
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_GRACE)
    os.kill(os.getpid(), signal.SIGKILL)
