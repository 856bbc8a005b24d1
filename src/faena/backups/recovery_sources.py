"""Where bytes may lie that the object store has lost: backups first, then any file of the same size and digest."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path

from faena.backups import copies
from faena.backups.model import RECORD, object_path
from faena.data import index

MOST_FILES = 1_000_000
"""Looked at, below all folders together."""


def find(
    wanted: Mapping[str, int | None],
    backups: Collection[Path],
    indexes: Path,
    folders: Collection[Path],
    take: Callable[[str, Path], bool],
) -> None:
    """Give `take` a digest and a file that has had it, until it says True: that it did have it.

    `wanted`: sizes by digest, None where nobody knows. `indexes`: what captures of source folders noted, by digest.
    """
    left = dict(wanted)
    for digest, path in _candidates(left, backups, indexes):
        if digest in left and path.is_file() and take(digest, path):
            del left[digest]
    for path in _files(folders, left):
        try:
            digest = copies.digest_of(path)
        except OSError:
            continue
        if digest in left and take(digest, path):
            del left[digest]
        if not left:
            return


def _candidates(
    left: Mapping[str, int | None], backups: Collection[Path], indexes: Path
) -> Iterator[tuple[str, Path]]:
    """By name, without a look at their bytes."""
    for backup in backups:
        if (backup / RECORD).is_file():
            yield from [(digest, object_path(backup, digest)) for digest in left]
    for noted in sorted(indexes.glob("*")) if indexes.is_dir() else ():
        found = index.read(noted)
        if found is not None:
            named = [(digest, name) for name, (_, digest) in found.files.items() if digest in left]
            yield from [(digest, Path(found.folder) / name) for digest, name in named]


def _files(folders: Collection[Path], left: Mapping[str, int | None]) -> Iterator[Path]:
    """Regular files of a size that is wanted, each once; of what cannot be read, nothing."""
    looked_at = 0
    seen: set[tuple[int, int]] = set()
    for folder in folders:
        for path in _below(folder):
            if not left or looked_at == MOST_FILES:
                return
            looked_at += 1
            try:
                status = path.stat(follow_symlinks=False)
            except OSError:
                continue
            which = (status.st_dev, status.st_ino)
            sizes = set(left.values())
            if path.is_file() and which not in seen and (status.st_size in sizes or None in sizes):
                seen.add(which)
                yield path


def _below(folder: Path) -> Iterator[Path]:
    """All files of a folder; a file itself."""
    if folder.is_file():
        yield folder
    for place, _, names in os.walk(folder):
        yield from (Path(place, name) for name in names)
