"""A database as it was when it was opened."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from msgspec import Struct


class Moment(Struct, frozen=True):
    """Valid until it is closed."""

    objects: dict[str, int | None]
    """Digests that it refers to, with their sizes."""
    datastores: dict[str, str]
    """Registered folders, by name."""
    locations: dict[str, str]
    """Where the files of experiments are that lie nowhere here, by their names."""
    runs: int
    """How many it has."""
    size: int
    """Bytes."""
    copy: Callable[[Path, Callable[[], None]], None]
    """Writes it to a new file of SQLite, and to the disk; the second may raise, to end it. Raises OSError for the
    file."""


def made_private(target: Path) -> None:
    """Make an empty file: variables of runs will be in it, and the folder may be one that others read."""
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
