"""Files whose bytes are to be kept: opened, written, digested while they are brought to the disk."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from io import FileIO
from pathlib import Path
from typing import BinaryIO

from faena.kernel.errors import UserErrorException

_LARGE = 8 << 20
"""Bytes from which a thread of its own pays."""
_PIECE = 32 << 10
_READ = 128 << 10


def write_new(path: str, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o444)
    with FileIO(descriptor, "w") as file:
        at = 0
        while at < len(content):
            at += file.write(memoryview(content)[at:]) or 0


def pieces(data: bytes) -> Iterator[memoryview]:
    """In pieces that are digested within some hundredths of a millisecond, others first after each.

    The kernel looks but every few milliseconds whether it is somebody else's turn: whoever answers requests meanwhile,
    and was sent from its core, would wait that long. Alone on a core this costs nothing that can be measured.
    """
    view = memoryview(data)
    for at in range(0, len(view), _PIECE):
        yield view[at : at + _PIECE]
        os.sched_yield()


def opened(path: Path) -> FileIO:
    """Without waiting for the other end of what turns out to be a FIFO; without a buffer that kernel copies bypass."""
    file = FileIO(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC))
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise UserErrorException(f"{path} is no regular file.")
    return file


def digest_and_sync(file: BinaryIO | FileIO) -> str:
    """A large file is brought to the disk while it is digested: each takes about as long as the other."""
    if os.fstat(file.fileno()).st_size < _LARGE:
        return _digest(file)
    with ThreadPoolExecutor(1, thread_name_prefix="sync") as pool:
        synced = pool.submit(os.fsync, file.fileno())
        digest = _digest(file)
        synced.result()  # the kernel tells of a failure once only: here, not at the next fsync
    return digest


def _digest(file: BinaryIO | FileIO) -> str:
    hasher = hashlib.sha256()
    buffer = memoryview(bytearray(_READ))
    while got := file.readinto(buffer):  # type: ignore[union-attr]  # both that are given have it
        hasher.update(buffer[:got])
        os.sched_yield()  # as in `pieces`
    return hasher.hexdigest()
