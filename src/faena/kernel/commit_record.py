"""The record beside a database: that there was one, and how many commits it has acknowledged.

It outlives the database file and its write-ahead log, so that what is missing, empty, or older than it was is never
taken for new or whole. The number is in the database, too (`PRAGMA user_version`), and here once the commit is on the
disk: here it is never ahead of what was acknowledged.
"""

from __future__ import annotations

import contextlib
import mmap
import struct
from dataclasses import dataclass
from pathlib import Path

from faena.kernel.durable import write_atomically

LARGEST = 0x7FFFFFFF
"""After this number comes 0, as `user_version` has 31 bits that count."""
_HEAD = b"faena commits 1\n"
_NUMBERS = struct.Struct("<QB")
_SIZE = 4096


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a record says."""

    commits: int
    """Acknowledged, up to `LARGEST`."""
    suspect: bool
    """Damage was met: the database is to be checked before anybody uses it."""


def place_of(database: Path) -> Path:
    """Not a name that `rm faena.db*` takes with it."""
    return database.with_name(f"commits-of-{database.name}")


def read(database: Path) -> Recorded | None:
    """None where nobody has kept a record. Raises OSError."""
    try:
        data = place_of(database).read_bytes()
    except FileNotFoundError:
        return None
    if len(data) < _SIZE or not data.startswith(_HEAD):
        return Recorded(0, suspect=True)  # somebody did, and it was damaged
    commits, suspect = _NUMBERS.unpack_from(data, len(_HEAD))
    return Recorded(commits & LARGEST, bool(suspect))


def lacking(found: int, recorded: Recorded | None) -> int:
    """How many acknowledged commits a database that counts `found` does not have."""
    missing = 0 if recorded is None else (recorded.commits - found) & LARGEST
    return missing if missing <= LARGEST // 2 else 0  # more than half way round: it is ahead


def shown(missing: int) -> str:
    return "the last change" if missing == 1 else f"the last {missing:,} changes"


class CommitRecord:
    """The record of a database that this process alone writes. Raises OSError where it cannot be made."""

    def __init__(self, database: Path, commits: int) -> None:
        self._path = place_of(database)
        self.commits = commits
        self._page = self._made()

    def _made(self) -> mmap.mmap:
        write_atomically(self._path, (_HEAD + _NUMBERS.pack(self.commits, 0)).ljust(_SIZE, b"\0"))
        with self._path.open("r+b") as file:
            # One store into a page of the kernel's: it survives our death, and costs no write to the disk of its own.
            return mmap.mmap(file.fileno(), _SIZE)

    def renew(self) -> None:
        """Make it again where somebody has removed it. What is acknowledged meanwhile may be missing until the next."""
        if not self._path.exists():
            with contextlib.suppress(OSError):
                self._page = self._made()

    def next(self) -> int:
        return (self.commits + 1) & LARGEST

    def acknowledge(self, commits: int) -> None:
        self.commits = commits
        _NUMBERS.pack_into(self._page, len(_HEAD), commits, 0)

    def suspect(self) -> None:
        """Have the next one who opens the database check it first."""
        _NUMBERS.pack_into(self._page, len(_HEAD), self.commits, 1)

    def close(self) -> None:
        self._page.close()
