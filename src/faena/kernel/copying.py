"""Copies bytes the cheapest way that the file system knows. Standard library only, for nodes too."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
from io import FileIO
from typing import IO

_FICLONE = 0x40049409
_CHUNK = 1 << 30

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


def copy(source: IO[bytes] | FileIO, sink: IO[bytes]) -> None:
    """Reflink, else copy inside the kernel, else through memory: objects that are no plain files have no fd."""
    try:
        fd = source.fileno()
    except OSError:
        shutil.copyfileobj(source, sink, 1 << 20)
        return
    try:
        fcntl.ioctl(sink.fileno(), _FICLONE, fd)
        return
    except OSError as error:
        if error.errno not in _UNABLE:
            raise
    if not _copy_in_kernel(fd, sink.fileno()):
        shutil.copyfileobj(source, sink, 1 << 20)


def _copy_in_kernel(source: int, sink: int) -> bool:
    """False when the kernel cannot and nothing was copied."""
    if not hasattr(os, "copy_file_range"):
        return False
    copied = 0
    try:
        while count := os.copy_file_range(source, sink, _CHUNK):
            copied += count
    except OSError as error:
        if copied or error.errno not in _UNABLE:
            raise
        return False
    # Some virtual file systems answer 0 for files that have bytes.
    return copied > 0
