"""Logs that do not grow without end, though several processes have them open and go on writing."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path
from typing import BinaryIO

MOST_BYTES = 10 << 20
"""Of a log; what is older is beside it under two more names."""
_KEPT = 2
_AT_ONCE = 2
"""Times the limit that one of those may have: of what is written faster than anybody looks, the end is kept."""
_BLOCK = 4096
_COLLAPSE_RANGE = 0x08
_PART = 1 << 20


def rotate(path: Path, most: int = MOST_BYTES) -> bool:
    """Move all but the end of a log to `<name>.1`, where it has more than `most` bytes; what was there to `.2`.

    The file stays the same one: whoever appends to it (O_APPEND) does so after its new end. Where the file system can
    take bytes from the beginning of a file (ext4, XFS), nothing that is written meanwhile is lost and the two together
    are what was written; elsewhere a line that comes in the microseconds between copying and cutting is.

    Only one process may do so at a time. Raises OSError.
    """
    with path.open("r+b") as log:
        size = os.fstat(log.fileno()).st_size
        if size <= most:
            return False
        end = (size - 1) // _BLOCK * _BLOCK
        older = path.with_name(f"{path.name}.part")
        try:
            with older.open("wb") as copy:
                start = max(0, end - _AT_ONCE * most)
                if start:
                    copy.write(f"… {start:,} bytes before this came too fast and were left out\n".encode())
                at = _copy(log, copy, start, end)
                if not _cut_beginning(log, end):
                    while (reached := _copy(log, copy, at, None)) > at:
                        at = reached
                    os.ftruncate(log.fileno(), 0)
            for number in range(_KEPT, 1, -1):
                if (last := path.with_name(f"{path.name}.{number - 1}")).exists():
                    last.replace(path.with_name(f"{path.name}.{number}"))
            older.replace(path.with_name(f"{path.name}.1"))
        finally:
            older.unlink(missing_ok=True)
    return True


def _copy(source: BinaryIO, target: BinaryIO, start: int, end: int | None) -> int:
    """Returns where it came to."""
    source.seek(start)
    at = start
    while part := source.read(_PART if end is None else min(_PART, end - at)):
        target.write(part)
        at += len(part)
    target.flush()
    return at


def _cut_beginning(log: BinaryIO, length: int) -> bool:
    """Take bytes, a multiple of the block size, from the beginning of a file; False where that cannot be done."""
    if not length:
        return False
    try:
        fallocate = ctypes.CDLL(None).fallocate
    except (OSError, AttributeError):  # not Linux
        return False
    fallocate.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64]
    return bool(fallocate(log.fileno(), _COLLAPSE_RANGE, 0, length) == 0)
