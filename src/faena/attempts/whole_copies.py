"""Whole copies of files that a script may write at this moment. Standard library only."""

from __future__ import annotations

import errno
import os
import tempfile
import time
from collections.abc import Callable
from io import FileIO
from pathlib import Path
from typing import IO, TypeVar

from faena.kernel import disk_space
from faena.kernel.copying import copy
from faena.kernel.errors import Conflict, UserErrorException

_TICK_NS = 20_000_000
"""Two writes that are closer than this may leave the same time on a file."""
_PAUSES = (0.02, 0.05, 0.1, 0.2, 0.4)
"""Seconds before a file that was written meanwhile is read again."""

T = TypeVar("T")


def copied(name: str, path: Path, beside: Path) -> IO[bytes]:
    """A copy without a name, on the disk of `beside`; of a log what is there by now. Blocks.

    Raises FileNotFoundError, Conflict where the file is written again and again, and StorageFull.
    """
    grows = name.startswith("logs/")
    try:
        return again_while_written(lambda: _copy_once(path, beside, grows), ascii(name))
    except OSError as error:
        if isinstance(error, FileNotFoundError):
            raise
        raise UserErrorException(f"{name!a} cannot be read: {error.strerror}.") from error


def too_large(name: str, most: int) -> str:
    return (
        f"The run goes on and may write {name!a}, which has more than {most >> 20:,} MiB: too large to be copied "
        "meanwhile. It can be had when the run has ended."
    )


def again_while_written(take: Callable[[], T | None], name: str) -> T:
    """What `take` says once that is something. Raises Conflict."""
    for pause in (*_PAUSES, None):
        if (found := take()) is not None:
            return found
        if pause is not None:
            time.sleep(pause)
    raise Conflict(
        f"{name} is written again and again while it is read, by the run's script. Ask again, or when the run has "
        "ended."
    )


def is_settled(path: Path) -> bool:
    """Whether a write from now on leaves another time on the file."""
    try:
        return time.time_ns() - path.stat().st_mtime_ns > _TICK_NS or path.stat().st_mtime_ns > time.time_ns()
    except OSError:
        return True  # who reads it learns why


def _copy_once(path: Path, beside: Path, grows: bool) -> IO[bytes] | None:
    if not (grows or is_settled(path)):
        return None
    made = tempfile.TemporaryFile(dir=beside)  # noqa: SIM115  it is the answer
    try:
        with FileIO(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)) as source:
            before = os.fstat(source.fileno())
            copy(source, made)
            after = os.fstat(source.fileno())
        if grows and after.st_size >= before.st_size:
            made.truncate(before.st_size)
        if grows or (before.st_mtime_ns, before.st_size) == (after.st_mtime_ns, after.st_size):
            made.seek(0)
            return made
    except OSError as error:
        made.close()
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise disk_space.full(beside) from error
        raise
    made.close()
    return None
