"""The first files of a place in a datastore: names and sizes only, and no more steps than a page may take."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import IO

from msgspec import Struct

from faena.data import patterns

_MOST = 100
_MOST_LOOKED_AT = 20_000
"""Entries of folders, those that a pattern does not mean among them."""
_SECONDS = 0.5


class Glimpse(Struct, frozen=True):
    files: list[tuple[str, int]]
    """Path in the datastore, and bytes; by name within each folder."""
    is_all: bool
    said: str = ""
    """Why there is nothing."""


def look(root: Path, path: str) -> Glimpse:
    """`path`: a file, a folder or a pattern. Links are not followed, and nothing outside of `root` is looked at."""
    start = root / patterns.fixed_part(path) if patterns.is_pattern(path) else root / path
    try:
        inside = start.resolve(strict=True).is_relative_to(root.resolve(strict=True))
        mode = start.lstat().st_mode
    except (OSError, RuntimeError, ValueError):
        return Glimpse([], is_all=True, said="It is not there.")
    if not inside or stat.S_ISLNK(mode):
        return Glimpse([], is_all=True, said="It is a link, which is not followed here.")
    if stat.S_ISREG(mode):
        return Glimpse([(path, start.lstat().st_size)], is_all=True)
    found: list[tuple[str, int]] = []
    until = time.monotonic() + _SECONDS
    try:
        for looked, entry in enumerate(_walk(start)):
            if looked >= _MOST_LOOKED_AT or time.monotonic() > until or len(found) >= _MOST:
                return Glimpse(found, is_all=False)
            name = Path(entry.path).relative_to(root).as_posix()
            if not patterns.is_pattern(path) or patterns.matches(path, name):
                found.append((name, entry.stat(follow_symlinks=False).st_size))
    except OSError as error:
        return Glimpse(found, is_all=False, said=f"It cannot be read: {error.strerror}.")
    return Glimpse(found, is_all=True, said="" if found else "There is no file.")


def opened(root: Path, path: str) -> IO[bytes] | None:
    """A regular file inside `root`; None for anything else."""
    try:
        if not (root / path).resolve(strict=True).is_relative_to(root.resolve(strict=True)):
            return None
        file = os.fdopen(
            os.open(root / path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb"
        )
    except (OSError, RuntimeError, ValueError):
        return None
    if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        return file
    file.close()
    return None


def _walk(folder: Path) -> Iterator[os.DirEntry[str]]:
    """Regular files; folders after the files beside them."""
    with os.scandir(folder) as entries:
        there = sorted(islice(entries, _MOST_LOOKED_AT), key=lambda entry: entry.name)
    for entry in there:
        if entry.is_file(follow_symlinks=False):
            yield entry
    for entry in there:
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(Path(entry.path))
