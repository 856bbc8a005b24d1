"""Room on the disk of a node elsewhere: what it takes to begin a run, and a little for how its script ended."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from pathlib import Path

from faena.kernel.errors import StorageFull

ENOUGH = 256_000_000
"""Bytes without which a node begins no run."""
_RESERVED = 1 << 20
_LITTLE = 64 << 10
"""Free bytes below which records may not be written any more."""


def lacking(folder: Path) -> str:
    """Why no run can begin on the disk of `folder`, which need not be there yet; empty: there is room."""
    there = next(each for each in (folder, *folder.parents) if each.exists())
    free = shutil.disk_usage(there).free
    if free >= ENOUGH:
        return ""
    return (
        f"the disk that holds {there} has {free / 1e6:,.0f} MB free, and a node begins no run with less than "
        f"{ENOUGH / 1e6:,.0f} MB. Free some, or set FAENA_HOME to another disk"
    )


def is_full(error: Exception) -> bool:
    """Whether it tells of a disk that is."""
    return isinstance(error, StorageFull) or (
        isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    )


class Reserve:
    """Space in an attempt's folder, given back when a script has filled the disk: how it ended can be told then."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "reserve"
        self.is_given = False
        with contextlib.suppress(OSError), self._path.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, _RESERVED)

    def give_when_full(self) -> None:
        with contextlib.suppress(OSError):
            found = os.statvfs(self._path)
            if found.f_bavail * found.f_frsize < _LITTLE:
                self._path.unlink()
                self.is_given = True
