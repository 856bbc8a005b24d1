"""What a person hears while a large source folder is read and sent: on stderr, since stdout is for results."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterable, Sequence

from faena.client.html.progress import Progress
from faena.data.scan import Found, Scan
from faena.data.snapshots import Watcher
from faena.kernel.plural import counted
from faena.script.messages import report

MANY_FILES = 5_000
MANY_BYTES = 200_000_000
"""From either on a person is told before anything is read or sent."""

_NAMED = 5
_ON_A_TERMINAL = 0.2
_ELSEWHERE = 5.0
"""Seconds between two lines of progress."""


class Teller(Watcher):
    """Tells of a capture that takes long, and of the sending after it; silent about small ones."""

    def __init__(self, folder: object) -> None:
        self._folder = folder
        self._told = False
        self._ignore_file = ""
        self._progress: _Progress | None = None

    def to_read(self, found: Scan, files: Sequence[Found]) -> None:
        self._ignore_file = found.ignore_file
        self._begin("read", "to read", [(file.path, file.stamp[0]) for file in files])

    def read(self, file: Found) -> None:
        self.done(1, file.stamp[0])

    def to_send(self, files: Sequence[tuple[str, int]]) -> None:
        """What the server does not have, as (path, size)."""
        self.end()
        self._begin("sent", "to send", files)

    def done(self, files: int, size: int) -> None:
        if self._progress:
            self._progress.add(files, size)

    def end(self) -> None:
        if self._progress:
            self._progress.end()
        self._progress = None

    def _begin(self, verb: str, what_for: str, files: Sequence[tuple[str, int]]) -> None:
        size = sum(size for _, size in files)
        if len(files) < MANY_FILES and size < MANY_BYTES:
            return
        if not self._told:
            report(f"faena: {self._introduction(what_for, files, size)}")
        self._told = True
        self._progress = _Progress(verb, len(files), size)

    def _introduction(self, what_for: str, files: Sequence[tuple[str, int]], size: int) -> str:
        largest = ", ".join(
            f"{folder} ({_in_units(held)}, {counted(count, 'file')})"
            for folder, held, count in largest_folders(files)
        )
        return (
            f"the source folder {self._folder} has {counted(len(files), 'file')} {what_for}, {_in_units(size)}. The "
            f"largest folders: {largest}. What the script does not need belongs in {self._ignore_file}; data comes by "
            "datastores and data sets."
        )


def largest_folders(files: Iterable[tuple[str, int]]) -> list[tuple[str, int, int]]:
    """(folder, bytes, files) of those directly below the source folder that hold most; `.` for its own files."""
    sizes: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    for path, size in files:
        folder = path.partition("/")[0] if "/" in path else "."
        sizes[folder] += size
        counts[folder] += 1
    by_size = sorted(counts, key=lambda folder: (-sizes[folder], -counts[folder], folder))
    return [(folder, sizes[folder], counts[folder]) for folder in by_size[:_NAMED]]


class _Progress:
    """One line, renewed on a terminal, repeated elsewhere."""

    def __init__(self, verb: str, files: int, size: int) -> None:
        self._verb = verb
        self._files = files
        self._size = size
        self._done_files = 0
        self._done_size = 0
        self._terminal = sys.stderr is not None and sys.stderr.isatty()
        self._bar = Progress(f"Source folder, {verb}", size)
        self._told_at = time.monotonic()
        self._told = False

    def add(self, files: int, size: int) -> None:
        self._done_files += files
        self._done_size += size
        if self._bar.is_possible:
            self._bar.at(self._done_size, self._line())
        elif time.monotonic() - self._told_at >= (_ON_A_TERMINAL if self._terminal else _ELSEWHERE):
            self._tell()

    def end(self) -> None:
        self._bar.end(self._line())
        if self._told:
            self._tell(last=True)

    def _line(self) -> str:
        return (
            f"{self._done_files:,} of {counted(self._files, 'file')}, "
            f"{_in_units(self._done_size)} of {_in_units(self._size)}"
        )

    def _tell(self, *, last: bool = False) -> None:
        line = f"faena: {self._verb} {self._line()}"
        end = "\n" if last or not self._terminal else ""
        report(f"\r\033[K{line}" if self._terminal else line, end)
        self._told = True
        self._told_at = time.monotonic()


def _in_units(size: int) -> str:
    if size < 1_000_000:
        return f"{size / 1e3:,.1f} kB"
    return f"{size / 1e6:,.1f} MB" if size < 10_000_000 else f"{size / 1e6:,.0f} MB"
