"""Files whose bytes are to be kept: opened, written, digested while they are brought to the disk."""

from __future__ import annotations

import hashlib
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from io import FileIO
from pathlib import Path
from typing import BinaryIO

from faena.kernel.errors import UserErrorException

_LARGE = 8 << 20
"""Bytes from which a thread of its own pays."""


def write_new(path: str, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o444)
    with FileIO(descriptor, "w") as file:
        at = 0
        while at < len(content):
            at += file.write(memoryview(content)[at:]) or 0


def opened(path: Path) -> FileIO:
    """Without waiting for the other end of what turns out to be a FIFO; without a buffer that kernel copies bypass."""
    file = FileIO(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC))
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise UserErrorException(f"{path} is no regular file.")
    return file


def digest_and_sync(file: BinaryIO | FileIO, *, syncs: bool = True) -> str:
    """A large file is brought to the disk while it is digested: each takes about as long as the other."""
    if not syncs or os.fstat(file.fileno()).st_size < _LARGE:
        return _digest(file)
    with ThreadPoolExecutor(1, thread_name_prefix="sync") as pool:
        synced = pool.submit(os.fsync, file.fileno())
        digest = _digest(file)
        synced.result()  # the kernel tells of a failure once only: here, not at the next fsync
    return digest


def _digest(file: BinaryIO | FileIO) -> str:
    return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]  # typeshed asks for readinto
