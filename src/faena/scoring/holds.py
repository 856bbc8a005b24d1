"""Keeps the environments of workers from being removed: by a shared flock, as a run's guard does."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Set
from contextlib import suppress


class Holds:
    """Of one front; they end with its process."""

    def __init__(self) -> None:
        self._held: dict[str, int] = {}
        self._wanted: frozenset[str] = frozenset()

    def want(self, files: Set[str]) -> None:
        """Hold these, and those that were wanted last: their workers may still answer what they have."""
        keep = self._wanted | files
        for file in self._held.keys() - keep:
            os.close(self._held.pop(file))
        for file in files - self._held.keys():
            with suppress(OSError):  # who starts the workers tells what is not there
                self._held[file] = _held(file)
        self._wanted = frozenset(files)


def _held(file: str) -> int:
    """Raises OSError, also while a build has it."""
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        os.utime(descriptor)  # when it was last used
    except OSError:
        os.close(descriptor)
        raise
    return descriptor
