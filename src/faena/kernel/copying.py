"""Copies bytes the cheapest way that the file system knows. Standard library only, for nodes too."""

from __future__ import annotations

import errno
import fcntl
import os
import tempfile
from collections.abc import Callable
from io import FileIO
from pathlib import Path
from typing import IO

_FICLONE = 0x40049409
_CHUNK = 1 << 27
"""Bytes between two looks at whether to go on."""

# What file systems and kernels answer that cannot share or copy these bytes by themselves.
_UNABLE = {
    errno.EOPNOTSUPP,
    errno.ENOTTY,
    errno.EXDEV,
    errno.EINVAL,
    errno.ENOSYS,
    errno.EPERM,
    errno.EBADF,
    errno.ETXTBSY,
}


def copy(source: IO[bytes] | FileIO, sink: IO[bytes], progress: Callable[[], None] = lambda: None) -> None:
    """Reflink, else copy inside the kernel, else through memory: objects that are no plain files have no fd.

    `progress` is called between parts of what takes long; what it raises ends the copying.
    """
    try:
        fd = source.fileno()
    except OSError:
        _copy_through_memory(source, sink, progress)
        return
    if not _share(fd, sink.fileno()) and not _copy_in_kernel(fd, sink.fileno(), progress):
        _copy_through_memory(source, sink, progress)


def can_share(source: Path, folder: Path) -> bool:
    """Whether a copy of a file in `folder` shares its blocks (reflink), tried with a file that goes. Raises OSError."""
    with source.open("rb") as read, tempfile.TemporaryFile(dir=folder) as written:
        return _share(read.fileno(), written.fileno())


def _share(source: int, sink: int) -> bool:
    try:
        fcntl.ioctl(sink, _FICLONE, source)
    except OSError as error:
        if error.errno not in _UNABLE:
            raise
        return False
    return True


def _copy_in_kernel(source: int, sink: int, progress: Callable[[], None]) -> bool:
    """False when the kernel cannot and nothing was copied."""
    if not hasattr(os, "copy_file_range"):
        return False
    copied = 0
    try:
        while count := os.copy_file_range(source, sink, _CHUNK):
            copied += count
            progress()
    except OSError as error:
        if copied or error.errno not in _UNABLE:
            raise
        return False
    # Some virtual file systems answer 0 for files that have bytes.
    return copied > 0


def _copy_through_memory(source: IO[bytes] | FileIO, sink: IO[bytes], progress: Callable[[], None]) -> None:
    while part := source.read(1 << 20):
        sink.write(part)
        progress()
