"""Mounted data as a copy of the script's own, where this machine permits no mounts: never the original."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from faena.data import safe_paths
from faena.data.sources import Contents
from faena.kernel import copying
from faena.kernel.errors import StorageFull
from faena.kernel.plural import counted

KEPT_FREE = 256_000_000
"""Bytes of the disk that copies of data leave to everything else."""


class Wanted(NamedTuple):
    """One file to copy."""

    source: Path
    target: Path
    size: int


class Plan(NamedTuple):
    """What is to be copied; nothing has been written yet."""

    files: list[Wanted]
    folders: list[Path]
    left_out: list[str]
    """What no copy can have, a sentence each."""

    @property
    def size(self) -> int:
        return sum(file.size for file in self.files)


def plan(binds: Iterable[tuple[Path, Path]], trees: Iterable[tuple[Contents, Path]]) -> Plan:
    """For files and folders as (where it lies, where it goes), and for datasets below their folders.

    Links are copied as what they lead to, inside their folder; those that leave it are left out.
    """
    made = Plan([], [], [])
    for source, target in binds:
        listing = safe_paths.walk(source) if source.is_dir() else safe_paths.walk(source.parent, source.name)
        made.left_out.extend(listing.left_out)
        if source.is_dir():
            made.folders.extend([target, *(target / path for path in listing.folders)])
            made.files.extend(Wanted(file.place, target / file.path, file.size) for file in listing.files)
        else:
            made.files.extend(Wanted(file.place, target, file.size) for file in listing.files)
    for contents, target in trees:
        made.folders.append(target)
        for member in contents.members:
            size = member.place.stat().st_size
            made.files.append(Wanted(member.place, target / member.name, size))
    return made


def is_shared(wanted: Plan, beside: Path) -> bool:
    """Whether copies below `beside` share the blocks of their originals, and so take no room."""
    largest = max(wanted.files, key=lambda file: file.size, default=None)
    return largest is not None and largest.size > 0 and copying.can_share(largest.source, beside)


def check_room(wanted: Plan, beside: Path) -> None:
    """Raises StorageFull, naming both sizes, where the disk of `beside` cannot hold the copies."""
    free = shutil.disk_usage(beside).free
    if wanted.size + KEPT_FREE > free:
        raise StorageFull(
            f"The data to be mounted would have to be copied, since this machine permits no mounts: {told(wanted)}. "
            f"The disk that holds {beside} has {free / 1e6:,.0f} MB free, of which {KEPT_FREE / 1e6:,.0f} MB stay so. "
            "Free some space, name a smaller path in the datastore, or permit mounts (`faena doctor` says how)."
        )


def copy(wanted: Plan, progress: Callable[[], None]) -> None:
    """Write the copies, whose places must be free. Raises what `progress` raises, and OSError.

    They cannot be written by mistake: as on a mount, a script that tries is told, unless it runs as root.
    """
    for folder in wanted.folders:
        folder.mkdir(parents=True, exist_ok=True)
    for source, target, _ in wanted.files:
        progress()
        target.parent.mkdir(parents=True, exist_ok=True)
        with source.open("rb") as read, target.open("xb") as written:
            copying.copy(read, written, progress)
            executable = os.fstat(read.fileno()).st_mode & 0o111
            os.fchmod(written.fileno(), 0o555 if executable else 0o444)


def told(wanted: Plan) -> str:
    """How much that is, in words."""
    files = counted(len(wanted.files), "file")
    return f"{files}, {wanted.size / 1e6:,.1f} MB"
