"""Bytes that are verified while they are read: the last of them come when all have proved to be the digest's."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Callable
from typing import BinaryIO

from faena.kernel import verified_times

_CHUNK = 1 << 20


class VerifiedBytes(io.RawIOBase):
    """A file from its first byte to its last. `damaged` makes the error that is raised in place of its last bytes.

    It has no descriptor and no places to seek to: who reads by these goes round the verification.
    """

    def __init__(self, file: BinaryIO, digest: str, damaged: Callable[[], Exception]) -> None:
        self._file = file
        self._digest = digest
        self._damaged = damaged
        self._hasher = hashlib.sha256()
        self._left = os.fstat(file.fileno()).st_size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # typeshed: any buffer
        count = self._file.readinto(buffer)  # type: ignore[attr-defined]  # BinaryIO is read from a file here
        self._hasher.update(buffer[:count])
        self._left -= count
        if (self._left <= 0 or count == 0) and not self._is_whole():
            raise self._damaged()
        return int(count)

    def close(self) -> None:
        self._file.close()
        super().close()

    def _is_whole(self) -> bool:
        if self._left == 0 and self._hasher.hexdigest() == self._digest:
            return True
        verified_times.unseal(self._file.fileno())
        return False


def verified(file: BinaryIO, digest: str, damaged: Callable[[], Exception]) -> BinaryIO:
    return io.BufferedReader(VerifiedBytes(file, digest, damaged), _CHUNK)
